import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { isRecord } from '../objects/selectors.ts';
import { badRequest, StatusError } from './status-error.ts';

/** What a request's path asks for: a collection, one object, or a part of one. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Reads `/api/v1/...` and `/apis/<group>/<version>/...`. @throws StatusError 400 where an escape is broken */
export function parsePath(pathname: string): ResourcePath | undefined {
  const parts = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') return undefined;
  const [group = '', version, ...rest] = isCore ? ['', ...parts.slice(1)] : parts.slice(1);
  if (version === undefined || rest.length === 0) return undefined;
  // `/namespaces/x` is the namespace itself, `/namespaces/x/pods` its pods; `status` and `finalize` are parts of it.
  const isWithin = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [plural = '', name, subresource, ...more] = isWithin ? rest.slice(2) : rest;
  if (more.length > 0 && subresource !== 'proxy') return undefined;
  return { group, version, namespace: isWithin ? rest[1] : undefined, plural, name, subresource };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('the path holds a broken escape');
  }
}

const bodyBytes = 3 * 1024 * 1024;
const depthLimit = 64;

export type Body = { readonly type: string; readonly value: unknown };

/** Reads a JSON or YAML body of at most 3 MiB; nulls are left out, as Kubernetes drops them. @throws StatusError 400, 413, 415 */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type.includes('protobuf') || type.includes('cbor')) {
    throw new StatusError(
      415,
      'UnsupportedMediaType',
      `this server reads JSON and YAML, not ${type}; with kubectl: add \`--dry-run=client -o yaml | kubectl apply -f -\``,
    );
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > bodyBytes) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bodyBytes}`);
    }
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '') return { type, value: undefined };
  return { type, value: parseText(text, type) };
}

function parseText(text: string, type: string): unknown {
  const isYaml = type.includes('yaml') && !text.trimStart().startsWith('{');
  try {
    assertDepth(text);
    const value: unknown = isYaml ? parse(text, { maxAliasCount: 20 }) : JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(
      `the body is not ${isYaml ? 'YAML' : 'JSON'}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Refuses deep nesting before a recursive parser sees it. Brackets in texts count too, which costs only safety margin. */
function assertDepth(text: string): void {
  let depth = 0;
  let isText = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 92 && isText) index += 1;
    else if (code === 34) isText = !isText;
    else if (!isText && (code === 123 || code === 91)) {
      depth += 1;
      if (depth > depthLimit) throw badRequest(`the body nests deeper than ${depthLimit} levels`);
    } else if (!isText && (code === 125 || code === 93)) depth -= 1;
  }
}

/** Go's clients send null for what is absent, and Kubernetes reads it so. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).filter(([key, item]) => item !== null && key !== '__proto__');
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item)]));
}
