import type { CommitAction } from '@gitbeaker/rest';
import type { Sha } from '../../engine/core/trigger.ts';
import type { GitHost } from '../git-host.ts';
import { GitHostError } from '../git-host-error.ts';
import { isAnswer } from '../host-fault.ts';
import type { GitLabApi, GitLabSession } from './session.ts';

const maxFiles = 200;
const maxBytes = 10 * 2 ** 20;
const executable = '100755';
const plainFile = '100644';

/** Brings a branch back file by file: GitLab's API makes no commit of a tree. */
export function proposeState(session: GitLabSession): Pick<GitHost, 'proposeState'> {
  return {
    proposeState: (repository, { branch, base, tip, sha, title, body }) =>
      session.call(`Opening a merge request into ${base}`, repository, async (api, projectId) => {
        const [known] = await api.MergeRequests.all({
          projectId,
          state: 'opened',
          sourceBranch: branch,
          targetBranch: base,
          perPage: 1,
          maxPages: 1,
        });
        if (known !== undefined) return known.iid;
        const actions = await actionsBack(api, projectId, tip, sha);
        try {
          await api.Commits.create(projectId, branch, `${title}\n\n${body}`, actions, { startSha: tip });
        } catch (error) {
          // Made before, and killed before the merge request was: the name says that it holds the same.
          if (!isAnswer(error, 400, /already exists/i)) throw error;
        }
        const made = await api.MergeRequests.create(projectId, branch, base, title, {
          description: body,
          removeSourceBranch: true,
        });
        return made.iid;
      }),
  };
}

async function actionsBack(api: GitLabApi, projectId: string, tip: Sha, sha: Sha): Promise<CommitAction[]> {
  const { diffs = [], compare_timeout } = await api.Repositories.compare(projectId, sha, tip, { straight: true });
  if (compare_timeout || diffs.length === 0 || diffs.length > maxFiles)
    throw tooMuch(diffs.length === 0 ? 'GitLab does not tell what changed' : `It changed over ${maxFiles} files`);
  const actions: CommitAction[] = [];
  let bytes = 0;
  for (const { old_path, new_path, new_file, deleted_file, renamed_file, a_mode, b_mode } of diffs) {
    if (new_file || renamed_file) actions.push({ action: 'delete', filePath: new_path });
    if (new_file) continue;
    if (a_mode !== undefined && a_mode !== plainFile && a_mode !== executable)
      throw tooMuch(`${old_path} is no plain file`);
    const file = await api.RepositoryFiles.showRaw(projectId, old_path, sha);
    const content = typeof file === 'string' ? Buffer.from(file) : Buffer.from(await file.arrayBuffer());
    bytes += content.length;
    if (bytes > maxBytes) throw tooMuch(`It is over ${maxBytes / 2 ** 20} MB`);
    const action = deleted_file || renamed_file ? 'create' : 'update';
    actions.push({ action, filePath: old_path, content: content.toString('base64'), encoding: 'base64' });
    const wasExecutable = a_mode === executable;
    const isExecutable = action === 'update' && b_mode === executable;
    if (wasExecutable !== isExecutable)
      actions.push({ action: 'chmod', filePath: old_path, execute_filemode: wasExecutable });
  }
  return actions;
}

function tooMuch(why: string): GitHostError {
  return new GitHostError({
    code: 'invalid',
    what: 'Bringing the branch back by a merge request',
    why,
    fix: 'Make the merge request by hand',
  });
}
