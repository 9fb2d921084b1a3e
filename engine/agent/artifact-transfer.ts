import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { Artifact } from '../core/run-events.ts';
import type { AttemptWork } from '../ports/attempt-host.ts';
import { ArchiveError, pack, unpack } from './archive.ts';
import { tryAgain } from './patience.ts';
import type { Session } from './session.ts';

/** As long as a controller may be away while artifacts move. */
const patienceMs = 5 * 60_000;

/** Answers that stay the same when asked again. */
const finalCodes = new Set<unknown>([
  status.PERMISSION_DENIED,
  status.NOT_FOUND,
  status.RESOURCE_EXHAUSTED,
  status.INVALID_ARGUMENT,
]);

/** Brings what the stage takes from earlier ones into folders of the artifacts' names. */
export async function takeArtifacts(workspace: string, work: AttemptWork, session: Session): Promise<void> {
  for (const artifact of work.artifactsIn) {
    const folder = join(workspace, artifact.name);
    const take = async () => {
      await mkdir(folder, { recursive: true });
      await unpack(folder, verified(artifact, await session.getArtifact(artifact.digest)));
    };
    await tryAgain(take, { forMs: patienceMs, isFinal });
  }
}

/** Keeps what the stage hands on. @throws ArchiveError when it was not made or cannot be kept */
export async function handOn(workspace: string, work: AttemptWork, session: Session): Promise<readonly Artifact[]> {
  const artifacts: Artifact[] = [];
  for (const { name, path } of work.artifactsOut) {
    const put = async () => session.putArtifact(name, await pack(workspace, path));
    try {
      artifacts.push(await tryAgain(put, { forMs: patienceMs, isFinal }));
    } catch (error) {
      if (codeOf(error) !== status.RESOURCE_EXHAUSTED) throw error;
      throw new ArchiveError(`The artifact ${name} is too large to be kept`, { cause: error });
    }
  }
  return artifacts;
}

async function* verified(
  { name, digest }: Artifact,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw new Error(`The artifact ${name} arrived with another digest`);
}

function isFinal(error: unknown): boolean {
  return error instanceof ArchiveError || finalCodes.has(codeOf(error));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
