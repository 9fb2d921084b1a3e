/**
 * The package brings types, but in source files that do not compile under this project's settings, and with `any` for
 * answers. These are the calls used here; what they answer is parsed.
 * tsconfig.json puts this file in their place.
 */
interface Answer {
  readonly data: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Repository {
  readonly workspace: string;
  readonly repo_slug: string;
}
interface Commit extends Repository {
  readonly commit: string;
}
interface PullRequest extends Repository {
  readonly pull_request_id: number;
}
interface PullRequestComment extends PullRequest {
  readonly comment_id: number;
}
interface Report extends Commit {
  readonly reportId: string;
}
interface Paged {
  readonly pagelen?: number;
}
interface Body {
  readonly _body: unknown;
}
type Call<Parameters> = (parameters: Parameters) => Promise<Answer>;

interface Client {
  readonly request: Call<{
    readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** All else goes into the query. */
    readonly [parameter: string]: unknown;
  }>;
  readonly user: { readonly get: Call<object> };
  readonly users: { readonly get: Call<{ readonly selected_user: string }> };
  readonly workspaces: { readonly listPermissionsForRepository: Call<Repository & { readonly q?: string }> };
  readonly repositories: {
    readonly get: Call<Repository>;
    readonly getMergeBase: Call<Repository & { readonly revspec: string }>;
    readonly listDiffStats: Call<Repository & Paged & { readonly spec: string; readonly topic?: boolean }>;
  };
  readonly commitstatuses: { readonly createBuildStatus: Call<Commit & Body> };
  readonly commits: {
    readonly get: Call<Commit>;
    readonly deleteReport: Call<Report>;
    readonly createOrUpdateReport: Call<Report & Body>;
    readonly bulkCreateOrUpdateAnnotations: Call<Report & Body>;
  };
  readonly pullrequests: {
    readonly get: Call<PullRequest>;
    readonly list: Call<
      Repository & Paged & { readonly state?: 'OPEN' | 'MERGED' | 'DECLINED' | 'SUPERSEDED'; readonly sort?: string }
    >;
    readonly listCommits: Call<PullRequest & Paged>;
    readonly getDiffStat: Call<PullRequest & Paged>;
    readonly getComment: Call<PullRequestComment>;
    readonly listComments: Call<PullRequest & Paged>;
    readonly createComment: Call<PullRequest & Body>;
    readonly updateComment: Call<PullRequestComment & Body>;
  };
}

declare const bitbucket: {
  readonly Bitbucket: new (options: {
    readonly baseUrl: string;
    readonly auth: { readonly username: string; readonly password: string };
    readonly notice: boolean;
    readonly request: { readonly fetch: unknown };
  }) => Client;
};
// biome-ignore lint/style/noDefaultExport: so it is exported
export default bitbucket;
