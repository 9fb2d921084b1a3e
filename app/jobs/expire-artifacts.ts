import type { Revisions } from '../../deploy/revisions.ts';
import type { ArtifactStore } from '../../engine/ports/artifact-store.ts';
import type { RunLoop } from '../../engine/run-loop.ts';

/** Lets go of artifacts whose time is over, but for those that a run under way or an environment may still ask for. */
export async function expireArtifacts(parts: {
  readonly artifacts: Pick<ArtifactStore, 'expire'>;
  readonly revisions: Pick<Revisions, 'mayNeed'>;
  readonly loop: Pick<RunLoop, 'drivenRuns'>;
}): Promise<number> {
  const { artifacts, revisions, loop } = parts;
  const underWay = new Set(
    loop
      .drivenRuns()
      .flatMap(({ repository, stages }) =>
        Object.values(stages).flatMap((state) =>
          state.status === 'succeeded' ? state.artifacts.map(({ digest }) => `${repository.tenant}/${digest}`) : [],
        ),
      ),
  );
  return artifacts.expire(
    async (tenant, digest) => underWay.has(`${tenant}/${digest}`) || revisions.mayNeed(tenant, digest),
  );
}
