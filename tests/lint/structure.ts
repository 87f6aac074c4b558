/**
 * Rules about the source tree as a whole, which a lint rule cannot check file by file: lengths of
 * files, sizes of folders, cycles of imports, names exported twice. Pure.
 */
import { posix } from "node:path";

/** Most lines of a source file. */
export const MAX_LINES = 300;
/** Most files in a folder, not counting its subfolders. */
export const MAX_FILES = 20;

/** Folders of recorded data, which may have more files. */
export const DATA_FOLDERS: readonly string[] = ["tests/golden", "bench/results", "bench/peers"];

/** Source files: their texts by path below the repository's root. */
export type SourceFiles = ReadonlyMap<string, string>;

/** Files with more than `MAX_LINES` lines, as `path: lines`. */
export function longFiles(files: SourceFiles): string[] {
  return Array.from(files, ([path, text]) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES).map(({ path, lines }) => `${path}: ${lines}`);
}

/** Folders with more than `MAX_FILES` files, as `folder: files`, except data. */
export function largeFolders(paths: Iterable<string>): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const isData = (folder: string) =>
    DATA_FOLDERS.some((data) => folder === data || folder.startsWith(data + "/"));
  return Array.from(counts).filter(([folder, count]) => count > MAX_FILES && !isData(folder))
    .map(([folder, count]) => `${folder}: ${count}`);
}

/** Relative imports and re-exports of a file, those of types included, as paths below the root. */
export function importsOf(path: string, text: string): string[] {
  const code = text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "");
  const specifiers = code.matchAll(/\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return Array.from(
    specifiers,
    ([, specifier]) => posix.join(posix.dirname(path), specifier as string),
  );
}

/** Cycles of files that import each other, one for each group of such files, as paths in order. */
export function importCycles(files: SourceFiles): string[][] {
  const imports = new Map(
    Array.from(
      files,
      ([path, text]) =>
        [path, importsOf(path, text).filter((target) => files.has(target))] as const,
    ),
  );
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (path: string, stack: readonly string[]) => {
    const at = stack.indexOf(path);
    if (at >= 0) return void cycles.push([...stack.slice(at), path]);
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...stack, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return cycles;
}

/** Names declared by `export` in more than one file, as `name: paths`; re-exports do not count. */
export function duplicateExports(files: SourceFiles): string[] {
  const paths = new Map<string, Set<string>>();
  const declaration =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type|enum) (\w+)/gm;
  for (const [path, text] of files) {
    for (const [, name] of text.matchAll(declaration)) {
      const known = paths.get(name as string) ?? new Set();
      paths.set(name as string, known.add(path));
    }
  }
  return Array.from(paths).filter(([, known]) => known.size > 1)
    .map(([name, known]) => `${name}: ${Array.from(known).join(", ")}`);
}

/**
 * Places outside the models' own folders that branch on the kind of a model, as `path: code`: a
 * comparison of a model's kind, or of anything with the name of a kind, or a table entry by it.
 */
export function kindBranches(files: SourceFiles, kinds: readonly string[]): string[] {
  const names = kinds.join("|");
  const patterns = [
    new RegExp(
      `(?:[!=]==?|\\bcase)\\s*["'\`](?:${names})["'\`]|["'\`](?:${names})["'\`]\\s*[!=]==?`,
    ),
    /\bmodel(?:Config)?\??\.kind\s*[!=]==?|[!=]==?\s*[\w.]*\bmodel(?:Config)?\??\.kind\b/,
    /\bswitch\s*\(\s*[\w.]*\bmodel\??\.kind\b/,
    new RegExp(`\\bMODELS(?:\\.|\\[")(?:${names})\\b`),
  ];
  return Array.from(files).filter(([path]) => !path.startsWith("src/models/"))
    .flatMap(([path, text]) =>
      text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "").split("\n")
        .filter((line) => patterns.some((pattern) => pattern.test(line)))
        .map((line) => `${path}: ${line.trim()}`)
    );
}
