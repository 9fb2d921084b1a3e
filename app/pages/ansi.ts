import { stripVTControlCharacters } from 'node:util';

/** A part of a line of a log, and the names of the styles it is printed in. */
export interface StyledText {
  readonly text: string;
  readonly styles: readonly string[];
}

const esc = String.fromCharCode(27);
const sequences = new RegExp(`${esc}\\[([0-9;]*)m`, 'g');
const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

/** A line as a terminal would colour it: sixteen colours, bold, underlined. All else that drives terminals is left out. */
export function styledLine(line: string): readonly StyledText[] {
  const parts: StyledText[] = [];
  const state: { colour?: string; isBold?: boolean; isUnderlined?: boolean } = {};
  const add = (raw: string): void => {
    const text = stripVTControlCharacters(raw).replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (it) =>
      it === '\t' ? it : '',
    );
    if (text === '') return;
    parts.push({
      text,
      styles: [
        ...(state.colour === undefined ? [] : [state.colour]),
        ...(state.isBold === true ? ['bold'] : []),
        ...(state.isUnderlined === true ? ['underlined'] : []),
      ],
    });
  };
  let at = 0;
  for (const match of line.matchAll(sequences)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    const codes = (match[1] ?? '').split(';').map(Number);
    for (let index = 0; index < codes.length; index += 1) {
      const number = codes[index] ?? 0;
      if (number === 0) for (const key of ['colour', 'isBold', 'isUnderlined'] as const) delete state[key];
      else if (number === 1) state.isBold = true;
      else if (number === 22) delete state.isBold;
      else if (number === 4) state.isUnderlined = true;
      else if (number === 24) delete state.isUnderlined;
      else if (number === 39) delete state.colour;
      else if (number >= 30 && number <= 37) state.colour = names[number - 30] ?? 'white';
      else if (number >= 90 && number <= 97) state.colour = names[number - 90] ?? 'white';
      // Colours beyond the sixteen take arguments, which are no codes of their own.
      else if (number === 38 || number === 48) index += codes[index + 1] === 5 ? 2 : 4;
    }
  }
  add(line.slice(at));
  return parts;
}
