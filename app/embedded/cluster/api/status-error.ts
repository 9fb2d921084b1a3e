import type { z } from 'zod';

export interface Cause {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

/** An answer other than success, as the Kubernetes API words it. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: { readonly kind?: string; readonly name?: string; readonly causes?: readonly Cause[] } | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusError['details']) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** Names a resource in messages: `pods` or `deployments.apps`. */
export interface ResourceName {
  readonly plural: string;
  readonly group: string;
  readonly kind: string;
}

function qualified({ plural, group }: ResourceName): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function notFound(resource: ResourceName, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, {
    name,
    kind: resource.plural,
  });
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, {
    name,
    kind: resource.plural,
  });
}

export function conflict(resource: ResourceName, name: string, why: string): StatusError {
  return new StatusError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, {
    name,
    kind: resource.plural,
  });
}

export const staleObject =
  'the object has been modified; please apply your changes to the latest version and try again';

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function forbidden(resource: ResourceName, name: string, why: string): StatusError {
  return new StatusError(403, 'Forbidden', `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    name,
    kind: resource.plural,
  });
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

export function methodNotAllowed(): StatusError {
  return new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

export function invalid(resource: ResourceName, name: string, causes: readonly Cause[]): StatusError {
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    name,
    kind: resource.kind,
    causes,
  });
}

/** One mistake of a field's value, in the words of the Kubernetes API. */
export function wrong(field: string, value: unknown, message: string): Cause {
  return {
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(value) ?? 'null'}: ${message}`,
  };
}

export function required(field: string, message = ''): Cause {
  return {
    field,
    reason: 'FieldValueRequired',
    message: message === '' ? 'Required value' : `Required value: ${message}`,
  };
}

/** Where a schema refused, as causes with paths such as `spec.containers[0].name`. */
export function causesOf(error: z.ZodError): Cause[] {
  return error.issues.map((issue) => {
    const field = issue.path.reduce<string>(
      (path, part) =>
        typeof part === 'number' ? `${path}[${part}]` : path === '' ? String(part) : `${path}.${String(part)}`,
      '',
    );
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    return isMissing
      ? required(field)
      : { field, reason: 'FieldValueInvalid', message: `Invalid value: ${issue.message}` };
  });
}
