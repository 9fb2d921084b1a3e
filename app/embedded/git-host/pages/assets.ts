import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Asset {
  readonly content: string;
  readonly type: string;
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><title>Git host</title><rect width="32" height="32" rx="8" fill="#0b6e6e"/><path d="M6 21h20l-3.500 5h-13z" fill="#fff"/><path d="M15 5v13H7.500z" fill="#fff"/><path d="M17 8v10h6.500z" fill="#9be0d4"/></svg>';

/** The few files that pages load, read once. */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const own = import.meta.dirname;
  const shared = join(own, '..', '..', '..', 'pages');
  const files = [
    [shared, 'base.css', 'text/css; charset=utf-8'],
    [own, 'style.css', 'text/css; charset=utf-8'],
    [shared, 'live.js', 'text/javascript; charset=utf-8'],
  ] as const;
  const loaded = files.map(async ([folder, name, type]) => {
    const content = await readFile(join(folder, name), 'utf8');
    return [name, { content, type }] as const;
  });
  return new Map([['icon.svg', { content: icon, type: 'image/svg+xml' }], ...(await Promise.all(loaded))]);
}

/** A picture for an account: its first letter on a colour of its own. */
export function avatarSvg(login: string, kind: 'User' | 'Bot' | 'Organization'): string {
  const letter = /[a-z0-9]/i.exec(login)?.[0]?.toUpperCase() ?? '?';
  const hue = [...login].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0) * 37, 0) % 360;
  const radius = kind === 'User' ? 16 : 7;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="${radius}" fill="hsl(${hue} 42% 42%)"/><text x="16" y="21.500" text-anchor="middle" font-family="system-ui,sans-serif" font-size="16" font-weight="600" fill="#fff">${letter}</text></svg>`;
}
