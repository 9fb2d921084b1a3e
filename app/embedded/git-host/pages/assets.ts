import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Asset {
  readonly content: string;
  readonly type: string;
}

/** The few files that pages load, read once. */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const files = [
    ['style.css', 'text/css; charset=utf-8'],
    ['live.js', 'text/javascript; charset=utf-8'],
    ['icon.svg', 'image/svg+xml'],
  ] as const;
  const loaded = files.map(async ([name, type]) => {
    const content = await readFile(join(import.meta.dirname, name), 'utf8');
    return [name, { content, type }] as const;
  });
  return new Map(await Promise.all(loaded));
}

/** A picture for an account: its first letter on a colour of its own. */
export function avatarSvg(login: string, kind: 'User' | 'Bot' | 'Organization'): string {
  const letter = /[a-z0-9]/i.exec(login)?.[0]?.toUpperCase() ?? '?';
  const hue = [...login].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0) * 37, 0) % 360;
  const radius = kind === 'User' ? 16 : 7;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="${radius}" fill="hsl(${hue} 42% 42%)"/><text x="16" y="21.500" text-anchor="middle" font-family="system-ui,sans-serif" font-size="16" font-weight="600" fill="#fff">${letter}</text></svg>`;
}
