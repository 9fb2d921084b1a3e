import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import type { TokenSigner } from '../access/tokens.ts';
import type { Container, Pod, ProjectedSource, Volume } from '../objects/pod.ts';
import type { Objects } from '../store/objects.ts';
import { dataOf } from './environment.ts';
import { MountPaths } from './mount-paths.ts';
import { PodFault } from './pod-fault.ts';
import { podField } from './pod-fields.ts';
import type { PodFolder } from './pod-folder.ts';

const defaultMode = 0o644;
type Token = NonNullable<ProjectedSource['serviceAccountToken']>;
interface File {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}
interface Selection {
  readonly name: string;
  readonly optional?: boolean | undefined;
  readonly items?:
    | readonly { readonly key: string; readonly path: string; readonly mode?: number | undefined }[]
    | undefined;
}

/** Makes the volumes of pods: folders of this machine with what their sources hold. */
export class Volumes {
  readonly #objects: Objects;
  readonly #signer: TokenSigner;
  readonly #now: () => Date;

  constructor(objects: Objects, signer: TokenSigner, now: () => Date) {
    this.#objects = objects;
    this.#signer = signer;
    this.#now = now;
  }

  /** Makes all volumes; again brings their content up to date. @throws PodFault where a source is missing */
  async prepare(pod: Pod, folder: PodFolder): Promise<void> {
    await Promise.all([folder.home, folder.temporary].map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
    for (const volume of pod.spec.volumes ?? []) {
      const root = folder.volume(volume.name);
      await mkdir(root, { recursive: true, mode: 0o700 });
      for (const file of await this.#filesOf(pod, volume)) await writeInto(root, file);
    }
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      for (const { name, subPath } of container.volumeMounts ?? []) {
        const path = join(folder.volume(name), subPath ?? '');
        if (!existsSync(path)) await mkdir(path, { recursive: true, mode: 0o700 });
      }
    }
  }

  /** When the soonest of a pod's tokens should be renewed, in milliseconds from its making; undefined without tokens. */
  renewAfterMs(pod: Pod): number | undefined {
    const lives = (pod.spec.volumes ?? [])
      .flatMap((volume) => volume.projected?.sources ?? [])
      .flatMap(({ serviceAccountToken }) => serviceAccountToken?.expirationSeconds ?? []);
    return lives.length === 0 ? undefined : Math.min(...lives) * 1000 * 0.8;
  }

  async #filesOf(pod: Pod, volume: Volume): Promise<File[]> {
    const { configMap, secret, projected, downwardAPI } = volume;
    if (configMap !== undefined) {
      return this.#dataFiles(pod, 'configmap', configMap, configMap.defaultMode ?? defaultMode);
    }
    if (secret !== undefined) {
      const selection = { name: secret.secretName, optional: secret.optional, items: secret.items };
      return this.#dataFiles(pod, 'secret', selection, secret.defaultMode ?? defaultMode);
    }
    if (downwardAPI !== undefined) return fieldFiles(pod, downwardAPI.items, downwardAPI.defaultMode ?? defaultMode);
    const mode = projected?.defaultMode ?? defaultMode;
    const files = (projected?.sources ?? []).map(async (source): Promise<File[]> => {
      if (source.serviceAccountToken !== undefined) return [await this.#tokenFile(pod, source.serviceAccountToken)];
      if (source.configMap !== undefined) return this.#dataFiles(pod, 'configmap', source.configMap, mode);
      if (source.secret !== undefined) return this.#dataFiles(pod, 'secret', source.secret, mode);
      return fieldFiles(pod, source.downwardAPI?.items, mode);
    });
    return (await Promise.all(files)).flat();
  }

  async #tokenFile(pod: Pod, { audience, expirationSeconds, path }: Token): Promise<File> {
    const namespace = pod.metadata.namespace ?? '';
    const name = pod.spec.serviceAccountName ?? 'default';
    const account = this.#objects.serviceAccounts.find(namespace, name);
    if (account === undefined) throw new PodFault('FailedMount', `serviceaccount "${name}" not found`);
    const token = await this.#signer.sign(
      {
        namespace,
        serviceAccount: { name, uid: account.metadata.uid },
        pod: { name: pod.metadata.name, uid: pod.metadata.uid },
      },
      { audiences: audience === undefined ? [] : [audience], expirationSeconds, now: this.#now() },
    );
    return { path, content: Buffer.from(token), mode: 0o600 };
  }

  #dataFiles(pod: Pod, kind: 'secret' | 'configmap', { name, optional, items }: Selection, mode: number): File[] {
    const data = dataOf(this.#objects, pod, kind, name);
    if (data === undefined) {
      if (optional === true) return [];
      throw new PodFault('FailedMount', `${kind} "${name}" not found`);
    }
    if (items === undefined) return Object.entries(data).map(([path, content]) => ({ path, content, mode }));
    return items.flatMap((item) => {
      const content = data[item.key];
      if (content !== undefined) return [{ path: item.path, content, mode: item.mode ?? mode }];
      if (optional === true) return [];
      throw new PodFault('FailedMount', `references non-existent ${kind} key: ${item.key}`);
    });
  }
}

function fieldFiles(
  pod: Pod,
  items: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } | undefined }[] = [],
  mode: number,
): File[] {
  return items.map(({ path, fieldRef }) => {
    const value = fieldRef === undefined ? undefined : podField(pod, fieldRef.fieldPath);
    if (value === undefined) throw new PodFault('FailedMount', `unsupported downward API item ${path}`);
    return { path, content: Buffer.from(value), mode };
  });
}

/** Replaces a file whole, so that a reader never sees half of it. */
async function writeInto(root: string, { path, content, mode }: File): Promise<void> {
  const inside = normalize(path);
  if (inside.startsWith(`..${sep}`) || inside === '..' || inside.startsWith(sep)) {
    throw new PodFault('FailedMount', `the path ${JSON.stringify(path)} leaves its volume`);
  }
  const file = join(root, inside);
  const draft = `${file}.${randomUUID()}`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(draft, content, { mode: 0o600 });
  await chmod(draft, mode);
  await rename(draft, file);
}

/** Where a container's mounts lie. */
export function mountPathsOf(container: Container, folder: PodFolder): MountPaths {
  return new MountPaths(
    (container.volumeMounts ?? []).map(({ name, mountPath, subPath }) => ({
      mountPath,
      folder: join(folder.volume(name), subPath ?? ''),
    })),
  );
}
