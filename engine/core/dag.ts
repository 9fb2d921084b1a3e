interface Node {
  readonly name: string;
  readonly needs: readonly string[];
}

/** The names of a cycle, the first one again at its end; undefined when there is none. Unknown needs are passed over. */
export function findCycle(nodes: readonly Node[]): readonly string[] | undefined {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of byName.get(name)?.needs ?? []) {
      const cycle = visit(need, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of nodes) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The nodes so that each comes after its needs; otherwise in the order given. The graph has no cycle. */
export function inOrder<T extends Node>(nodes: readonly T[]): readonly T[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const ordered = new Set<T>();
  const place = (node: T): void => {
    if (ordered.has(node)) return;
    for (const need of node.needs) {
      const needed = byName.get(need);
      if (needed !== undefined) place(needed);
    }
    ordered.add(node);
  };
  for (const node of nodes) place(node);
  return [...ordered];
}

/** All that a node needs, directly or not. */
export function allNeeds(nodes: readonly Node[], name: string): ReadonlySet<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const found = new Set<string>();
  const collect = (of: string): void => {
    for (const need of byName.get(of)?.needs ?? []) {
      if (found.has(need)) continue;
      found.add(need);
      collect(need);
    }
  };
  collect(name);
  return found;
}
