import type { MountPaths } from './mount-paths.ts';

/**
 * Replaces `$(NAME)` by variables; unknown names stay, `$$` stands for one dollar sign.
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (all, inner: string, name: string | undefined) => {
    if (inner === '$') return '$';
    return (name === undefined ? undefined : variables.get(name)) ?? all;
  });
}

/** Variables as the pod states them, and as its processes see them (see the path rule of MountPaths). */
export class Variables {
  readonly #stated = new Map<string, string>();
  readonly #local = new Map<string, string>();
  readonly #paths: MountPaths;

  constructor(paths: MountPaths) {
    this.#paths = paths;
  }

  /** @param text may refer to variables set before */
  set(name: string, text: string): void {
    this.#local.set(name, this.localText(text));
    this.#stated.set(name, expand(text, this.#stated));
  }

  /** Sets a value that is taken as it is: nothing in it is expanded. */
  setLiteral(name: string, value: string): void {
    this.#stated.set(name, value);
    this.#local.set(name, this.#paths.translated(value) ?? value);
  }

  /** Expands a word, then applies the path rule. */
  localText(text: string): string {
    // Expanding with the replaced values first could take this machine's own path for a mountPath and replace it again.
    return this.#paths.translated(expand(text, this.#stated)) ?? expand(text, this.#local);
  }

  entries(): Record<string, string> {
    return Object.fromEntries(this.#local);
  }
}
