/** Branch and tag names as `git check-ref-format` allows them, and never anything that git would read as an option or an expression. */
export function isRefName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 250 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in names, and so do we
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)/.test(name) &&
    !/^[-./]|[./]$/.test(name) &&
    name !== '@'
  );
}

export function isFullHash(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

export const zeroHash = '0'.repeat(40);
