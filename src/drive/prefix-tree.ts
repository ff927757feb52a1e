/** Texts seen so far, and how many bytes of the next one any of them begins with. */
export class PrefixTree {
  readonly #root: Node = { edge: new Uint8Array(), children: new Map() };

  /** Bytes of `text` that some text added before shares as a prefix. */
  common(text: Uint8Array): number {
    let node = this.#root;
    let at = 0;
    for (;;) {
      const child = node.children.get(text[at] ?? -1);
      if (!child) return at;
      const same = commonBytes(child.edge, text, at);
      at += same;
      if (same < child.edge.length) return at;
      node = child;
    }
  }

  add(text: Uint8Array): void {
    let node = this.#root;
    let at = 0;
    while (at < text.length) {
      const child = node.children.get(text[at] ?? -1);
      if (!child) {
        node.children.set(text[at] ?? -1, { edge: text.slice(at), children: new Map() });
        return;
      }
      const same = commonBytes(child.edge, text, at);
      if (same < child.edge.length) split(child, same);
      at += same;
      node = child;
    }
  }
}

type Node = { edge: Uint8Array; children: Map<number, Node> };

function split(node: Node, at: number): void {
  const lower: Node = { edge: node.edge.slice(at), children: node.children };
  node.children = new Map([[lower.edge[0] ?? -1, lower]]);
  node.edge = node.edge.slice(0, at);
}

function commonBytes(edge: Uint8Array, text: Uint8Array, from: number): number {
  const most = Math.min(edge.length, text.length - from);
  let same = 0;
  while (same < most && edge[same] === text[from + same]) same += 1;
  return same;
}
