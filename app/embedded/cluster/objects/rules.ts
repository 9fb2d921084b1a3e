import { type Cause, required, wrong } from '../api/status-error.ts';
import type { Secret } from './config.ts';
import type { Service } from './network.ts';

/** `stringData` is a way to write only: it ends up in `data`. */
export function completeSecret({ stringData = {}, ...secret }: Secret): Secret {
  const added = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return added.length === 0 ? secret : { ...secret, data: { ...secret.data, ...Object.fromEntries(added) } };
}

export function serviceMistakes(service: Service, previous: Service | undefined): Cause[] {
  const { ports = [], type, clusterIP } = service.spec;
  const causes: Cause[] = [];
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') causes.push(required('spec.ports'));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (ports.length > 1 && port.name === undefined) causes.push(required(`${at}.name`));
    if (port.name !== undefined && names.has(port.name)) {
      causes.push({ field: `${at}.name`, reason: 'FieldValueDuplicate', message: `Duplicate value: "${port.name}"` });
    }
    names.add(port.name ?? '');
    if (port.protocol !== 'TCP') causes.push(wrong(`${at}.protocol`, port.protocol, 'only TCP is served here'));
  }
  if (previous?.spec.clusterIP !== undefined && clusterIP !== undefined && previous.spec.clusterIP !== clusterIP) {
    causes.push(wrong('spec.clusterIP', clusterIP, 'field is immutable'));
  }
  return causes;
}
