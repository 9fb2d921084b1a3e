/** The files of a repository, as far as detection looks at them. */
export interface RepositoryFiles {
  readonly paths: readonly string[];
  readFile(path: string): Promise<string | undefined>;
}

/** Stages that a stack brings, as they would be written in the pipeline file. */
export interface DetectedStack {
  readonly explanation: string;
  readonly stages: Readonly<Record<string, WrittenStage>>;
}

export interface WrittenStage {
  readonly kind?: 'build' | 'test';
  readonly image: string;
  readonly needs?: readonly string[];
  readonly commands: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly reports?: { readonly junit: string };
}

/** Looks for one stack in one folder (`''` is the root, else it ends with a slash). */
export type Detector = (files: RepositoryFiles, folder: string) => Promise<DetectedStack | undefined>;
