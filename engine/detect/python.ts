import type { Detector } from './detected-stack.ts';

/** pytest where the repository mentions it, else unittest; dependencies go to a virtual environment in the workspace. */
export const detectPython: Detector = async ({ paths, readFile }, folder) => {
  const has = (name: string) => paths.includes(`${folder}${name}`);
  const isProject = has('pyproject.toml') || has('setup.py');
  if (!isProject && !has('requirements.txt')) return undefined;
  const texts = await Promise.all(
    ['pyproject.toml', 'requirements.txt', 'requirements-dev.txt', 'setup.cfg', 'tox.ini'].map((name) =>
      has(name) ? readFile(`${folder}${name}`) : undefined,
    ),
  );
  const tests = paths.filter((path) => path.startsWith(folder) && /(^|\/)(test_[^/]+|[^/]+_test)\.py$/.test(path));
  if (tests.length === 0) return undefined;
  const usesPytest = has('pytest.ini') || has('conftest.py') || texts.some((text) => text?.includes('pytest') === true);
  const requirements = ['requirements.txt', 'requirements-dev.txt'].filter(has).map((name) => `-r ${name}`);
  const wanted = [...requirements, ...(isProject ? ['-e .'] : []), ...(usesPytest ? ['pytest'] : [])];
  return {
    explanation: `Python with ${usesPytest ? 'pytest' : 'unittest'}; ${tests.length} test file${tests.length === 1 ? '' : 's'}.`,
    stages: {
      test: {
        kind: 'test',
        image: 'python:3',
        commands: [
          'python3 -m venv .venv',
          '. .venv/bin/activate',
          ...(wanted.length > 0 ? [`pip install --quiet --disable-pip-version-check ${wanted.join(' ')}`] : []),
          usesPytest ? 'pytest --junitxml=junit.xml' : 'python -m unittest discover -v',
        ],
        ...(usesPytest ? { reports: { junit: 'junit.xml' } } : {}),
      },
    },
  };
};
