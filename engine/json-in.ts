/** What a text of others holds; undefined where it is no JSON. The schema that it then meets says what is missing. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
