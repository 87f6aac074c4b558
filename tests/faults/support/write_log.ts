/**
 * Records the effects on a disk and enumerates the states that a power cut may leave: of unsynced
 * data, any part may be missing. Harsher than a real file system, which keeps names in order.
 */
import { dirname, relative } from "node:path";
import { DISK, type Disk, type NewFile } from "../../../src/checkpoint/disk.ts";

/** One effect; paths are relative to the recorder's folder, which is "". */
export type Effect =
  | { readonly kind: "folder" | "create" | "sync" | "syncFolder" | "unlink"; readonly path: string }
  | { readonly kind: "write"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "mark"; readonly path: string };

/** A disk below `base` that records its effects. */
export class Recorder implements Disk {
  readonly log: Effect[] = [];
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** Records a marker. */
  mark(what: string): void {
    this.log.push({ kind: "mark", path: what });
  }

  async makeFolder(path: string): Promise<void> {
    await DISK.makeFolder(path);
    this.log.push({ kind: "folder", path: this.#below(path) });
  }

  async create(path: string): Promise<NewFile> {
    const file = await DISK.create(path);
    const below = this.#below(path);
    this.log.push({ kind: "create", path: below });
    return {
      write: async (bytes: Uint8Array) => {
        const n = await file.write(bytes);
        this.log.push({ kind: "write", path: below, bytes: bytes.slice(0, n) });
        return n;
      },
      sync: async () => {
        await file.sync();
        this.log.push({ kind: "sync", path: below });
      },
      [Symbol.dispose]: () => file[Symbol.dispose](),
    };
  }

  async syncFolder(path: string): Promise<void> {
    await DISK.syncFolder(path);
    this.log.push({ kind: "syncFolder", path: this.#below(path) });
  }

  async rename(from: string, to: string): Promise<void> {
    await DISK.rename(from, to);
    this.log.push({ kind: "rename", path: this.#below(from), to: this.#below(to) });
  }

  async remove(path: string): Promise<void> {
    const inside = [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`);
    await DISK.remove(path);
    for (const one of [...inside, path]) this.log.push({ kind: "unlink", path: this.#below(one) });
  }

  #below(path: string): string {
    return relative(this.#base, path);
  }
}

/** Files by path with their bytes; folders by path with undefined. */
export type Tree = ReadonlyMap<string, Uint8Array | undefined>;

/** A file: its bytes, and how many of them were synced. */
interface FileNode {
  data: Uint8Array;
  synced: number;
}

/** A folder: its durable entries, and the changes since the last sync. */
interface FolderNode {
  names: Map<string, Node>;
  pending: { readonly gone?: string; readonly name?: string; readonly node?: Node }[];
}

type Node = FileNode | FolderNode;

/** Every distinct state that a power cut after these effects may leave. */
export function worldsAfter(log: readonly Effect[]): Tree[] {
  const root: FolderNode = { names: new Map(), pending: [] };
  for (const effect of log) play(root, effect);
  const worlds = new Map<string, Tree>();
  for (const tree of treesOf(root, "")) worlds.set(keyOf(tree), tree);
  return [...worlds.values()];
}

/** One text per tree, so that equal ones are found. */
export function keyOf(tree: Tree): string {
  return [...tree].map(([path, bytes]) => `${path}:${bytes?.join() ?? "folder"}`).sort().join("\n");
}

function play(root: FolderNode, effect: Effect): void {
  if (effect.kind === "mark") return;
  const { path } = effect;
  const name = path.slice(path.lastIndexOf("/") + 1);
  // Entries above the root are durable.
  if (path.startsWith("..")) return;
  if (effect.kind === "syncFolder") {
    const folder = folderAt(root, path);
    folder.names = applied(folder.names, folder.pending);
    folder.pending = [];
    return;
  }
  const parent = folderAt(root, dirname(path) === "." ? "" : dirname(path));
  const node = now(parent).get(name);
  if (effect.kind === "folder") {
    parent.pending.push({ name, node: { names: new Map(), pending: [] } });
  } else if (effect.kind === "create") {
    parent.pending.push({ name, node: { data: new Uint8Array(), synced: 0 } });
  } else if (effect.kind === "unlink") {
    parent.pending.push({ gone: name });
  } else if (effect.kind === "rename") {
    if (dirname(path) !== dirname(effect.to) || node === undefined) {
      throw new Error(`Cannot play a rename of ${path}: it must stay in its folder`);
    }
    const to = effect.to.slice(effect.to.lastIndexOf("/") + 1);
    parent.pending.push({ gone: name, name: to, node });
  } else if (node === undefined || "names" in node) {
    throw new Error(`Cannot play ${effect.kind} of ${path}: it is not a file`);
  } else if (effect.kind === "write") {
    node.data = new Uint8Array([...node.data, ...effect.bytes]);
  } else {
    node.synced = node.data.length;
  }
}

function folderAt(root: FolderNode, path: string): FolderNode {
  return path.split("/").filter((name) => name !== "").reduce((folder, name) => {
    const node = now(folder).get(name);
    if (node === undefined || !("names" in node)) throw new Error(`No folder at ${path}`);
    return node;
  }, root);
}

/** The visible state without a power cut. */
function now({ names, pending }: FolderNode): Map<string, Node> {
  return applied(names, pending);
}

function applied(
  names: ReadonlyMap<string, Node>,
  pending: FolderNode["pending"],
): Map<string, Node> {
  const out = new Map(names);
  for (const { gone, name, node } of pending) {
    if (gone !== undefined) out.delete(gone);
    if (name !== undefined && node !== undefined) out.set(name, node);
  }
  return out;
}

function treesOf(folder: FolderNode, path: string): Tree[] {
  const trees = subsets(folder.pending).flatMap((some) =>
    [...applied(folder.names, some)].reduce<Tree[]>((sofar, [name, node]) => {
      const at = path === "" ? name : `${path}/${name}`;
      const variants = "names" in node ? treesOf(node, at) : contentsOf(node, at);
      return sofar.flatMap((tree) => variants.map((more) => new Map([...tree, ...more])));
    }, [new Map([[path, undefined]])])
  );
  return [...new Map(trees.map((tree) => [keyOf(tree), tree])).values()];
}

function subsets<T>(list: readonly T[]): T[][] {
  return list.reduce<T[][]>((all, item) => [...all, ...all.map((some) => [...some, item])], [[]]);
}

/** Unsynced bytes are present, missing, partial, or zero. */
function contentsOf({ data, synced }: FileNode, path: string): Tree[] {
  if (synced === data.length) return [new Map([[path, data]])];
  const zeros = data.slice().fill(0, synced);
  const half = data.subarray(0, (synced + data.length) >> 1);
  return [data, data.subarray(0, synced), half, zeros].map((bytes) => new Map([[path, bytes]]));
}

/** Makes the tree's files and folders in an empty folder. */
export function materialise(tree: Tree, folder: string): void {
  const paths = [...tree.keys()].sort();
  for (const path of paths) {
    const bytes = tree.get(path);
    if (path === "") continue;
    if (bytes === undefined) Deno.mkdirSync(`${folder}/${path}`);
    else Deno.writeFileSync(`${folder}/${path}`, bytes);
  }
}
