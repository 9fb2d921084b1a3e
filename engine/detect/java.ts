import type { Detector } from './detected-stack.ts';

/** Maven or Gradle, by the wrapper where the repository has one. */
export const detectJava: Detector = async ({ paths }, folder) => {
  const has = (name: string) => paths.includes(`${folder}${name}`);
  if (has('pom.xml')) {
    return {
      explanation: 'A Maven project; `verify` builds and tests it.',
      stages: {
        test: {
          kind: 'test',
          image: 'maven:3',
          commands: [`${has('mvnw') ? 'sh mvnw' : 'mvn'} --batch-mode --no-transfer-progress verify`],
          reports: { junit: '**/target/surefire-reports/TEST-*.xml' },
        },
      },
    };
  }
  if (!has('build.gradle') && !has('build.gradle.kts')) return undefined;
  return {
    explanation: 'A Gradle project; `build` builds and tests it.',
    stages: {
      test: {
        kind: 'test',
        image: 'gradle:8',
        commands: [`${has('gradlew') ? 'sh gradlew' : 'gradle'} --no-daemon build`],
        reports: { junit: '**/build/test-results/test/TEST-*.xml' },
      },
    },
  };
};
