import type { Node } from 'yaml';
import type { ArtifactOutput, ReportOutput } from '../core/pipeline.ts';
import { type Reader, shown } from './reader.ts';
import { parseWorkspacePath } from './units.ts';

export function readArtifacts(reader: Reader, node: Node | null, what: string): readonly ArtifactOutput[] {
  const map = reader.map(node, what);
  return (map === undefined ? [] : reader.entries(map, what)).flatMap(({ key, value, name }) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
      reader.note(key, `"${shown(name)}" cannot name an artifact`, 'Names have letters, digits and . _ -', 'Rename it');
    }
    const text = reader.text(value, `path of artifact "${shown(name)}"`);
    if (text === undefined) return [];
    const path = text === '.' ? '.' : parseWorkspacePath(text);
    if (path !== undefined) return [{ name, path }];
    noteOutside(reader, value, text);
    return [];
  });
}

export function readReports(reader: Reader, node: Node | null, what: string): readonly ReportOutput[] {
  const reports: ReportOutput[] = [];
  reader.fields(node, what, {
    junit: (value) => {
      for (const path of reader.names(value, `junit in ${what}`)) {
        if (parseWorkspacePath(path.name) === undefined) noteOutside(reader, path.node, path.name);
        else reports.push({ format: 'junit', path: path.name.replace(/^\.\//, '') });
      }
    },
  });
  return reports;
}

function noteOutside(reader: Reader, node: Node | null, path: string): void {
  reader.note(
    node,
    `"${shown(path)}" is no path in the workspace`,
    'Paths are relative and never leave the repository',
    'Write it relative to the repository, without ..',
  );
}
