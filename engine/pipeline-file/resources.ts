import type { Node } from 'yaml';
import type { Resources } from '../core/pipeline.ts';
import { given, type Reader } from './reader.ts';
import { parseCpu, parseDisk, parseMemory } from './units.ts';

/** What a stage gets that asks for nothing. */
export const defaultResources: Resources = { cpuMillicores: 1_000, memoryBytes: 2 ** 30 };

export function readResources(reader: Reader, node: Node | null, what: string): Resources {
  let { cpuMillicores, memoryBytes } = defaultResources;
  let diskBytes: number | undefined;
  reader.fields(node, what, {
    cpu: (value) => given(reader.parsed(value, `cpu of ${what}`, parseCpu, '500m or 2'), (it) => (cpuMillicores = it)),
    memory: (value) =>
      given(reader.parsed(value, `memory of ${what}`, parseMemory, '512Mi or 2Gi'), (it) => (memoryBytes = it)),
    disk: (value) =>
      given(reader.parsed(value, `disk of ${what}`, parseDisk, '500Mi or 5Gi, at most 20Gi'), (it) => (diskBytes = it)),
  });
  return { cpuMillicores, memoryBytes, ...(diskBytes === undefined ? {} : { diskBytes }) };
}
