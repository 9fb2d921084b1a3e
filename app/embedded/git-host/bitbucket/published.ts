import type { OpenApi } from '@coderabbitai/bitbucket/cloud';

type Schemas = OpenApi.components['schemas'];

/**
 * A shape of Bitbucket's published API, of which answers and webhooks here are made. It says that a user in the place of
 * an account must call itself "account", which no real one does: what a thing is called is left open. What it inherits
 * is lost in its types, so more is let through than they name.
 */
export type Published<Name extends keyof Schemas> = Open<Schemas[Name]>;

type Open<Value> = Value extends readonly (infer Element)[]
  ? readonly Open<Element>[]
  : Value extends object
    ? Readonly<Record<string, unknown>> & {
        readonly [Key in keyof Value as string extends Key ? never : Key]: Key extends 'type'
          ? string
          : Open<Value[Key]>;
      }
    : Value;
