import picomatch from 'picomatch';

const maxLines = 5_000;

/** A line of CODEOWNERS: a pattern, and who owns what it matches (nobody, where the list is empty). */
interface Ownership {
  readonly matches: (path: string) => boolean;
  readonly owners: readonly string[];
}

/** Reads CODEOWNERS. Names lose their `@`; lines that are not understood are passed over, as hosts do. */
export function parseCodeOwners(text: string): readonly Ownership[] {
  return text
    .split(/\r\n|\r|\n/)
    .slice(0, maxLines)
    .flatMap((line) => {
      const [pattern, ...owners] = line
        .replace(/(^|\s)#.*$/, '')
        .trim()
        .split(/\s+/);
      // GitLab's sections (`[Docs]`, `^[Docs]`) order the file and own nothing.
      if (pattern === undefined || pattern === '' || /^\^?\[/.test(pattern)) return [];
      return [{ matches: matcher(pattern), owners: owners.map((owner) => owner.replace(/^@/, '')) }];
    });
}

/**
 * The lists of owners of the paths, each list once. The last line that matches a path decides.
 * @param paths undefined: they cannot be told, so all owners are taken to be concerned
 */
export function ownersOf(
  ownerships: readonly Ownership[],
  paths: readonly string[] | undefined,
): readonly (readonly string[])[] {
  const lists =
    paths === undefined
      ? ownerships.map(({ owners }) => owners)
      : paths.map((path) => ownerships.findLast(({ matches }) => matches(path))?.owners ?? []);
  return [...new Map(lists.filter((list) => list.length > 0).map((list) => [list.join(' '), list])).values()];
}

/** Patterns are those of .gitignore, but for `docs/*`, which stays in its folder. */
function matcher(pattern: string): (path: string) => boolean {
  const isAnchored = pattern.replace(/\/$/, '').includes('/');
  const trimmed = pattern.replace(/^\//, '').replace(/\/$/, '');
  const base = isAnchored ? trimmed : `**/${trimmed}`;
  const globs =
    trimmed === '*' || trimmed === '**' ? ['**'] : pattern.endsWith('/') ? [`${base}/**`] : [base, `${base}/**`];
  // A star at the end stands for names, not for folders.
  const wanted = /[^*]\*$|^\*$/.test(trimmed) && trimmed !== '*' ? globs.slice(0, 1) : globs;
  const matches = wanted.map((glob) => picomatch(glob, { dot: true }));
  return (path) => matches.some((match) => match(path));
}
