import { type PushBody, shortRef } from '../domain/push-events.ts';
import type { Account, Repository } from '../entities.ts';
import type { FaceDelivery, Happening } from '../face.ts';
import { zeroHash } from '../git/ref-name.ts';
import type { Host } from '../host.ts';
import { accountShape, commentShape, commitShape, pullShape, repositoryShape } from './shapes.ts';

const listedCommits = 5;

/** Webhooks as Bitbucket Cloud words them; what a draft, a new base or new commits were is all one event there. */
export function deliveriesOf(
  host: Host,
  repository: Repository,
  sender: Account,
  happening: Happening,
): readonly FaceDelivery[] {
  const common = { actor: accountShape(host, sender), repository: repositoryShape(host, repository) };
  switch (happening.type) {
    case 'push': {
      const changes = happening.pushes.map((push) => changeShape(host, repository, push));
      return [{ event: 'repo:push', body: { push: { changes }, ...common } }];
    }
    case 'pull': {
      const { pull, action } = happening;
      const event =
        action === 'opened'
          ? 'pullrequest:created'
          : action === 'closed'
            ? pull.mergedAt === null
              ? 'pullrequest:rejected'
              : 'pullrequest:fulfilled'
            : action === 'labeled' || action === 'unlabeled'
              ? undefined
              : 'pullrequest:updated';
      return event === undefined ? [] : [{ event, body: { ...common, pullrequest: pullShape(host, pull) } }];
    }
    case 'comment': {
      const { pull, comment, action } = happening;
      const names = { created: 'comment_created', edited: 'comment_updated', deleted: 'comment_deleted' } as const;
      const body = { comment: commentShape(host, pull, comment), pullrequest: pullShape(host, pull), ...common };
      return [{ event: `pullrequest:${names[action]}`, body }];
    }
    case 'reaction':
      // Bitbucket has none.
      return [];
  }
}

function changeShape(host: Host, repository: Repository, push: PushBody) {
  const type = push.ref.startsWith('refs/tags/') ? ('tag' as const) : ('branch' as const);
  const name = shortRef(push.ref);
  const shaped = ({ id, tree_id, timestamp, author, message }: PushBody['commits'][number]) => {
    const by = { name: author.name, email: author.email ?? '', date: timestamp };
    return commitShape(host, repository, { sha: id, tree: tree_id, parents: [], author: by, committer: by, message });
  };
  const commits = push.commits.map(shaped);
  const target = push.head_commit === null ? undefined : shaped(push.head_commit);
  return {
    old: push.before === zeroHash ? null : { type, name, target: { type: 'commit', hash: push.before } },
    new: push.after === zeroHash || target === undefined ? null : { type, name, target },
    created: push.created,
    closed: push.deleted,
    forced: push.forced,
    // Newest first, and no more than a few.
    commits: commits.toReversed().slice(0, listedCommits),
    truncated: commits.length > listedCommits,
  };
}
