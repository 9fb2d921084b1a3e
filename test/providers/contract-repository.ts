import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaceName } from '../../app/embedded/git-host/face.ts';
import { Sha } from '../../engine/core/trigger.ts';
import { commitFile, git, startHost, temporaryFolder } from '../app/embedded/git-host/running-host.ts';

/** Commits the contract's changes in a clone and pushes both branches. */
export async function pushContractBranches(clone: string): Promise<{ readonly baseSha: Sha; readonly headSha: Sha }> {
  const baseSha = Sha(await commitFile(clone, 'a.txt', 'one\n', 'Start'));
  await git(clone, 'push', '--quiet', 'origin', 'main');
  await git(clone, 'switch', '--quiet', '-c', 'topic');
  await mkdir(join(clone, 'src'));
  await commitFile(clone, 'a.txt', 'two\n', 'Change');
  await commitFile(clone, 'src/a b#c.txt', 'odd\n', 'Odd');
  const headSha = Sha(await commitFile(clone, 'b.txt', 'new\n', 'Add'));
  await git(clone, 'push', '--quiet', 'origin', 'topic');
  return { baseSha, headSha };
}

/** Pushes an annotated tag of what is checked out in a clone. */
export async function pushTag(clone: string, name: string): Promise<void> {
  await git(clone, 'tag', '--annotate', '--message', `Release ${name}`, name);
  await git(clone, 'push', '--quiet', 'origin', name);
}

/**
 * The embedded Git host with another face than GitHub's: `acme/web` with the contract's branches, a bot that may do
 * anything, Ann who writes, Bob who reads, and Mallory.
 */
export async function startFace(face: FaceName) {
  const host = await startHost({ face });
  const people = Object.fromEntries(
    ['ann', 'bob', 'mallory', 'slipway-bot'].map((login) => [
      login,
      { ...host.createUser(login), token: host.createToken(login) },
    ]),
  );
  const person = (login: string) => {
    const found = people[login];
    if (found === undefined) throw new RangeError(`nobody is called ${login}`);
    return found;
  };
  host.createOrganization('acme');
  const repository = await host.createRepository('acme', 'web', { private: true });
  host.addCollaborator('acme', 'web', 'slipway-bot', 'admin');
  host.addCollaborator('acme', 'web', 'ann', 'write');
  host.addCollaborator('acme', 'web', 'bob', 'read');
  const clone = await temporaryFolder();
  await git(clone, 'init', '--quiet', '--initial-branch=main');
  await git(clone, 'remote', 'add', 'origin', repository.cloneUrl.replace('://', `://ann:${person('ann').token}@`));
  return { host, repository, person, clone, ...(await pushContractBranches(clone)) };
}

/** Asks a face's API as somebody. @throws Error telling what it answered where that is no success */
export async function ask(
  url: string,
  token: string,
  request: { readonly method?: string; readonly body?: unknown } = {},
): Promise<unknown> {
  const response = await fetch(url, {
    method: request.method ?? 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.method ?? 'GET'} ${url} answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
