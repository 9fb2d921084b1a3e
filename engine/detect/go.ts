import type { Detector } from './detected-stack.ts';

export const detectGo: Detector = async ({ paths }, folder) => {
  if (!paths.includes(`${folder}go.mod`)) return undefined;
  return {
    explanation: 'A Go module; it is built, vetted and tested.',
    stages: {
      build: { kind: 'build', image: 'golang:1', commands: ['go build ./...'] },
      test: { kind: 'test', image: 'golang:1', commands: ['go vet ./...', 'go test ./...'] },
    },
  };
};
