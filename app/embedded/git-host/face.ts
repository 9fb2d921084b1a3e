import type { PullAction } from './domain/pull-events.ts';
import type { PushBody } from './domain/push-events.ts';
import type { Comment, Delivery, Hook, Label, Pull, Reaction, Repository } from './entities.ts';
import type { Faults } from './faults.ts';
import type { Actor, Host } from './host.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { RequestCounter } from './request-counter.ts';
import type { Api } from './rest-face.ts';
import type { SecondaryLimits } from './secondary-limits.ts';

/** Which Git host this one behaves like. All share what they keep; API, webhooks and pages differ. */
export type FaceName = 'github' | 'gitlab' | 'bitbucket';

/** What happened, for those hosts whose webhooks are built from it. */
export type Happening =
  /** The refs that one push moved. */
  | { readonly type: 'push'; readonly pushes: readonly PushBody[] }
  | {
      readonly type: 'pull';
      readonly action: PullAction;
      readonly pull: Pull;
      /** The head before it moved. */
      readonly before?: string;
      /** The one that came or went. */
      readonly label?: Label;
      readonly changes?: {
        readonly title?: { readonly from: string };
        readonly base?: { readonly ref: { readonly from: string } };
      };
    }
  | {
      readonly type: 'comment';
      readonly action: 'created' | 'edited' | 'deleted';
      readonly pull: Pull;
      readonly comment: Comment;
    }
  | {
      readonly type: 'reaction';
      readonly change: 'added' | 'removed';
      readonly pull: Pull;
      readonly comment: Comment;
      readonly reaction: Reaction;
    };

export interface FaceDelivery {
  /** As subscriptions name it. */
  readonly event: string;
  readonly body: object;
}

/** What people see of a face. */
export interface FacePages {
  readonly name: 'GitHub' | 'GitLab' | 'Bitbucket';
  readonly pull: 'pull request' | 'merge request';
  /** Before its number. */
  readonly sign: '#' | '!';
  readonly reactions: boolean;
  readonly labels: boolean;
  readonly deployments: boolean;
  /** A command as one writes it there. */
  readonly command: string;
  /** Markdown as the host makes HTML of it; pages clean it afterwards. */
  toHtml(host: Host, text: string): string;
}

export interface Face {
  readonly name: FaceName;
  /** Where the API is, below the host's address. */
  readonly prefix: '/api/v3' | '/api/v4' | '/2.0';
  /** What starts tokens of people. */
  readonly tokenPrefix: string;
  rest(
    host: Host,
    parts: {
      readonly faults: Faults;
      readonly requests: RequestCounter;
      readonly limiter: RateLimiter;
      readonly secondary?: SecondaryLimits;
    },
  ): Api;
  readonly pages: FacePages;
  /** Takes in what somebody writes. @returns undefined where nothing of it is left to say */
  comment(host: Host, pull: Pull, actor: Actor, body: string): Promise<Comment | undefined>;
  /** What the host's webhooks tell of it. */
  deliveriesOf(
    host: Host,
    repository: Repository,
    actor: Actor['account'],
    happening: Happening,
  ): readonly FaceDelivery[];
  /** How often it sends again at once what was answered by 5xx. */
  readonly resends: number;
  /** Proof and facts beside the body. @param now when it is sent @param attempt counted from 1 */
  headersOf(host: Host, hook: Hook, delivery: Delivery, now: Date, attempt: number): Readonly<Record<string, string>>;
}
