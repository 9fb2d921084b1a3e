import type { Node } from 'yaml';
import { given, type Reader, shown } from './reader.ts';

/** Environment variables by name; those that Slipway sets are refused. */
export function readEnv(reader: Reader, node: Node | null, what: string): Record<string, string> {
  const map = reader.map(node, what);
  const env: Record<string, string> = {};
  for (const { key, value, name } of map === undefined ? [] : reader.entries(map, what)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      reader.note(key, `"${shown(name)}" cannot name a variable`, 'Names have letters, digits and _', 'Rename it');
    } else if (name.startsWith('SLIPWAY_')) {
      reader.note(key, `${name} is reserved`, 'Slipway sets the variables that begin with SLIPWAY_', 'Rename it');
    } else given(reader.text(value, `${name} in ${what}`), (text) => (env[name] = text));
  }
  return env;
}
