// @ts-check
// Places for the nodes of a dependency graph: layers from left to right, few crossings.

/**
 * @param {string[]} names
 * @param {{from: string, to: string}[]} edges from what is needed to what needs it
 * @returns {Map<string, {layer: number, row: number}>}
 */
export function layers(names, edges) {
  const known = new Set(names);
  const inner = edges.filter(({ from, to }) => known.has(from) && known.has(to));
  /** @type {Map<string, number>} */
  const depth = new Map(names.map((name) => [name, 0]));
  // Longest way from the left; a circle, which the ledger forbids, ends by the bound.
  for (let round = 0, moved = true; moved && round < names.length; round++) {
    moved = false;
    for (const { from, to } of inner) {
      const least = (depth.get(from) ?? 0) + 1;
      if ((depth.get(to) ?? 0) < least) {
        depth.set(to, least);
        moved = true;
      }
    }
  }
  /** @type {string[][]} */
  const sparse = [];
  for (const name of names) (sparse[depth.get(name) ?? 0] ??= []).push(name);
  const columns = sparse.filter(Boolean);
  const rows = new Map(columns.flatMap((column) => column.map((name, row) => [name, row])));
  for (let sweep = 0; sweep < 6; sweep++) {
    const near = sweep % 2 === 0 ? "from" : "to";
    const own = near === "from" ? "to" : "from";
    /** @type {Map<string, number[]>} */
    const pulls = new Map();
    for (const edge of inner) {
      const list = pulls.get(edge[own]) ?? [];
      list.push(rows.get(edge[near]) ?? 0);
      pulls.set(edge[own], list);
    }
    const middle = (/** @type {string} */ name) => {
      const list = pulls.get(name);
      return list ? list.reduce((sum, row) => sum + row, 0) / list.length : rows.get(name) ?? 0;
    };
    for (const column of columns) {
      const wished = new Map(column.map((name) => [name, middle(name)]));
      column.sort((a, b) => (wished.get(a) ?? 0) - (wished.get(b) ?? 0));
      column.forEach((name, row) => rows.set(name, row));
    }
  }
  return new Map(columns.flatMap((column, layer) =>
    column.map((name, row) => /** @type {[string, any]} */ ([name, { layer, row }]))));
}
