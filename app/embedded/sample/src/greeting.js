export function greet(name) {
  const clean = name.trim();
  return clean === '' ? 'Hello!' : `Hello, ${clean}!`;
}
