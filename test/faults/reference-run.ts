/** Stages of the reference run: a, then four at once, then a deployment; what `a` makes is handed on to all. */
export const middle = ['b1', 'b2', 'b3', 'b4'] as const;
export const working = ['a', ...middle] as const;
export const stages = [...working, 'deploy'] as const;
export const linesPerStage = 200;

/**
 * @param recorder base URL to which the commands say that they begin, go on and end
 * @param environment that it deploys to; of two runs with the same, the newer takes it from the older
 */
export function referenceFiles(recorder: string, environment: string): Readonly<Record<string, string>> {
  const stage = (name: string, rest: string) =>
    `  ${name}:\n    image: node:24\n    resources: { cpu: 50m, memory: 128Mi }\n    commands: [node work.mjs ${name}]\n${rest}`;
  return {
    '.slipway.yaml': `stages:\n${stage('a', '    kind: build\n    artifacts: { out: { app: dist } }\n')}${middle
      .map((name) => stage(name, '    needs: [a]\n    artifacts: { in: [app] }\n'))
      .join('')}  deploy:
    needs: [${middle.join(', ')}]
    deploy:
      environment: ${environment}
      artifact: app
      image: node:24
      command: [node, server.js]
      port: 8080
      ready: /
      readyWithin: 120s
      smoke: { path: /, status: 200 }
`,
    'server.js':
      "require('node:http').createServer((request, response) => response.end('hello')).listen(process.env.PORT);\n",
    'work.mjs': `import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
const stage = process.argv[2];
const say = (what) =>
  fetch('${recorder}/?' + new URLSearchParams({ what, run: process.env.SLIPWAY_RUN, stage, attempt: process.env.SLIPWAY_ATTEMPT }));
await say('begin');
if (stage !== 'a') readFileSync('app/server.js');
for (let line = 0; line < ${linesPerStage}; line += 1) {
  console.log('line ' + line);
  if (line % ${linesPerStage / 4} !== 0) continue;
  await new Promise((resolve) => setTimeout(resolve, 150));
  await say('beat');
}
mkdirSync('dist', { recursive: true });
copyFileSync('server.js', 'dist/server.js');
await say('end');
`,
  };
}
