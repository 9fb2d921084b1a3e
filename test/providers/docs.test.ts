import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bitbucketCapabilities } from '../../providers/bitbucket/adapter.ts';
import type { GitHostCapabilities } from '../../providers/git-host.ts';
import { giteaCapabilities } from '../../providers/gitea/adapter.ts';
import { gitHubCapabilities } from '../../providers/github/adapter.ts';
import { gitLabCapabilities } from '../../providers/gitlab/adapter.ts';
import { sources } from './hosts.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/providers.md'), 'utf8');

function yes(is: boolean): string {
  return is ? 'yes' : 'no';
}

/** The words of the docs for what a host can do. */
function rows(can: GitHostCapabilities): readonly (readonly [string, string])[] {
  return [
    ['results on a commit', can.checks],
    ['annotations on lines', yes(can.annotations)],
    ['button to run again', yes(can.rerunButton)],
    ['longest comment', `${can.commentMaxChars} characters`],
    ['folded sections in comments', yes(can.foldedSections)],
    ['deployments', yes(can.deployments)],
    ['reactions', can.reactions],
    ['labels', yes(can.labels)],
    ['teams may be named as approvers', yes(can.teams)],
    ['lines with `/`', can.slashCommandsTaken ? 'taken by the host: write `/slipway`' : 'free for commands'],
    ['missed deliveries sent again', yes(can.redelivery)],
    ['pull requests that revert', yes(can.opensPullRequests)],
    ['owners of paths', can.codeOwnersPaths.map((path) => `\`${path}\``).join(', ')],
    ['may change anything', can.permissionNames.admin],
    ['may push', can.permissionNames.write],
    ['may read', can.permissionNames.read],
  ];
}

it('the docs say what the capabilities say', () => {
  const hosts = [gitHubCapabilities, gitLabCapabilities, bitbucketCapabilities, giteaCapabilities].map(rows);
  for (const [index, [what]] of (hosts[0] ?? []).entries()) {
    const values = hosts.map((each) => each[index]?.[1]);
    expect(text).toContain(`| ${what} | ${values.join(' | ')} |`);
  }
});

it('the docs name the size limits and headers of each source', () => {
  const limits = sources.map(({ maxBodyBytes }) => `${maxBodyBytes / 2 ** 20} MB`);
  expect(text).toContain(`| largest | ${limits.join(' | ')} |`);
  const ids = sources.map(({ headers }) => `\`${headers.delivery}\``);
  expect(text).toContain(`| told apart by | ${ids.join(' | ')} |`);
});
