/** Where a container's mounts lie on this machine. */
export interface Mount {
  readonly mountPath: string;
  readonly folder: string;
}

/**
 * THE PATH RULE. A volume's mountPath is no path of this machine: pods are local processes, and two of them mount
 * different volumes at the same path. So a container's `workingDir`, and every value of a variable and every word of
 * its command that equals a mountPath of that container or lies below one, is replaced by the path of the volume's
 * folder. A pod that works on this cluster and on a real one tells its programs their paths by variables, words or
 * the working folder, and never writes them down elsewhere (in a script or a file).
 *
 * Only whole values are paths: in `--out=/workspace/x` nothing is replaced, but `--out=$(WORKSPACE)/x` works, because
 * the reference is expanded to the replaced value.
 */
export class MountPaths {
  readonly #mounts: readonly Mount[];

  constructor(mounts: readonly Mount[]) {
    this.#mounts = mounts
      .map(({ mountPath, folder }) => ({ mountPath: mountPath.replace(/\/+$/, ''), folder }))
      .toSorted((a, b) => b.mountPath.length - a.mountPath.length);
  }

  /** The path on this machine, or undefined where the text is no path of a mount. */
  translated(text: string): string | undefined {
    for (const { mountPath, folder } of this.#mounts) {
      if (mountPath === '') continue;
      if (text === mountPath) return folder;
      if (text.startsWith(`${mountPath}/`)) return `${folder}${text.slice(mountPath.length)}`;
    }
    return undefined;
  }
}
