/**
 * Project-specific lint rules: imports follow the table of layers, and external packages and
 * globals are used only where the second table permits.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPOSERS, LAYERS, OUTSIDE } from "./layers.ts";
import { terminalRule } from "./terminal.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ROOMS = [...Object.keys(LAYERS), ...COMPOSERS];

/**
 * Files that may use file errors by name: the one that translates them, and one that injects them.
 */
const FILE_ERRORS = ["src/base/file_fault.ts", "workers/faults/self.ts"];
/** Errors of pipes and sockets. */
const OTHER_ERRORS = ["BrokenPipe", "AddrInUse"];

/** Path of a file below the repository root, without a leading slash. */
function below(path: string): string {
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

/** The layer of a file, or undefined for files at the top level. */
export function roomOf(path: string): string | undefined {
  return ROOMS.find((room) => path.startsWith(room + "/"));
}

/** Why `file` may not import `specifier`, or undefined if it may. */
export function importFault(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return outsideFault(file, specifier);
  const room = roomOf(file);
  const target = below(join(dirname(file), specifier));
  if (room !== "tests" && target.startsWith("tests/")) return "Only tests may import tests";
  if (room === undefined || COMPOSERS.includes(room)) return undefined;
  const to = roomOf(target);
  // The version of Shoal stands there.
  if (file === "src/base/version.ts" && target === "package.json") return undefined;
  if (to === room) return undefined;
  const allowed = LAYERS[room] ?? [];
  if (to !== undefined && allowed.includes(to)) return undefined;
  return `${room} may import ${allowed.join(", ") || "nothing"}, not ${to ?? target}`;
}

/** Why `file` may not use the package or global `name`, or undefined if it may. */
export function outsideFault(file: string, name: string): string | undefined {
  const key = Object.keys(OUTSIDE).find((k) => name === k || name.startsWith(k + "/"));
  if (key === undefined) {
    return /^(node:|npm:|jsr:|https?:)/.test(name) && roomOf(file) !== undefined &&
        !name.startsWith("node:")
      ? `Import ${name} through the import map of deno.json`
      : undefined;
  }
  const places = OUTSIDE[key] ?? [];
  const fits = places.some((p) => file.startsWith(p + "/") || file === p || file.endsWith("/" + p));
  if (fits || roomOf(file) === undefined) return undefined;
  return `${key} may be used in ${places.join(", ")}, not in ${file}`;
}

/** The message about spreading a list of unbounded length over arguments. */
const UNBOUNDED = "Arguments lie on the stack, which overflows at 100,000 or so: " +
  "use maxOf, minOf or append of src/base/extremes.ts, or a loop";

/** Variadic builtin methods. */
const VARIADIC = ["max", "min", "hypot", "push", "unshift", "fromCharCode", "fromCodePoint", "of"];

/** Whether a call is like `Math.max.apply(null, list)`. */
function appliesBuiltin({ callee }: Deno.lint.CallExpression): boolean {
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return false;
  const { object } = callee;
  return callee.property.name === "apply" && object.type === "MemberExpression" &&
    object.property.type === "Identifier" && VARIADIC.includes(object.property.name);
}

const plugin: Deno.lint.Plugin = {
  name: "shoal",
  rules: {
    layers: {
      create(context) {
        const file = below(context.filename);
        const check = (node: Deno.lint.Node, source: string) => {
          const fault = importFault(file, source);
          if (fault !== undefined) context.report({ node, message: fault });
        };
        return {
          ImportDeclaration: (node) => check(node, node.source.value),
          ExportNamedDeclaration: (node) => {
            if (node.source) check(node, node.source.value);
          },
          ExportAllDeclaration: (node) => check(node, node.source.value),
          ImportExpression: (node) => {
            if (node.source.type === "Literal" && typeof node.source.value === "string") {
              check(node, node.source.value);
            }
          },
          MemberExpression: (node) => {
            if (node.object.type !== "Identifier") return;
            const { name } = node.object;
            const isGpu = name === "navigator" && node.property.type === "Identifier" &&
              node.property.name === "gpu";
            if (name !== "Deno" && !isGpu) return;
            const fault = outsideFault(file, isGpu ? "navigator.gpu" : name);
            if (fault !== undefined) context.report({ node, message: fault });
          },
        };
      },
    },
    // URLs encode space, #, % and non-ASCII letters, paths do not.
    "url-paths": {
      create(context) {
        const report = (node: Deno.lint.Node, message: string) => context.report({ node, message });
        const isFileUrl = (text: unknown) => typeof text === "string" && /^file:/.test(text);
        return {
          MemberExpression: (node) => {
            const { property } = node;
            const isNamed = !node.computed && property.type === "Identifier" &&
              property.name === "pathname";
            const isQuoted = property.type === "Literal" && property.value === "pathname";
            if (isNamed || isQuoted) report(node, "A URL's pathname is no path: use fileURLToPath");
          },
          "ObjectPattern > Property": (node: Deno.lint.Property) => {
            if (node.key.type === "Identifier" && node.key.name === "pathname") {
              report(node, "A URL's pathname is no path: use fileURLToPath");
            }
          },
          TemplateLiteral: (node) => {
            if (node.expressions.length > 0 && isFileUrl(node.quasis[0]?.cooked)) {
              report(node, "A path behind file: is no URL: use pathToFileURL");
            }
          },
          BinaryExpression: (node) => {
            if (
              node.operator === "+" && node.left.type === "Literal" && isFileUrl(node.left.value)
            ) {
              report(node, "A path behind file: is no URL: use pathToFileURL");
            }
          },
          NewExpression: (node) => {
            const [, base] = node.arguments;
            const isUrl = node.callee.type === "Identifier" && node.callee.name === "URL";
            if (isUrl && base?.type === "Literal" && isFileUrl(base.value)) {
              report(node, "A path is no URL: use pathToFileURL, or join of node:path");
            }
          },
        };
      },
    },
    // One function translates file errors, so that all commands report them alike.
    "file-errors": {
      create(context) {
        const file = below(context.filename);
        if (!/^(src|workers)\//.test(file) || FILE_ERRORS.includes(file)) return {};
        const message = "What errors of files mean is said in src/base/file_fault.ts alone";
        return {
          MemberExpression: (node) => {
            const { object, property } = node;
            const isErrors = object.type === "MemberExpression" &&
              object.object.type === "Identifier" && object.object.name === "Deno" &&
              object.property.type === "Identifier" && object.property.name === "errors";
            if (
              isErrors && !(property.type === "Identifier" && OTHER_ERRORS.includes(property.name))
            ) {
              context.report({ node, message });
            }
          },
          "VariableDeclarator[id.type='ObjectPattern'][init.property.name='errors']": (
            node: Deno.lint.VariableDeclarator,
          ) => context.report({ node, message }),
          BinaryExpression: (node) => {
            for (const { type, value } of [node.left, node.right] as Deno.lint.StringLiteral[]) {
              if (type === "Literal" && /^E[A-Z]{3,}$/.test(String(value))) {
                context.report({ node, message });
              }
            }
          },
        };
      },
    },
    "bounded-arguments": {
      create(context) {
        const file = below(context.filename);
        if (!/^(src|workers|kernels)\//.test(file)) return {};
        return {
          CallExpression(node) {
            // The project's functions are called by name, and have a fixed number of parameters.
            if (node.callee.type !== "Identifier") checkArguments(node);
            if (appliesBuiltin(node)) context.report({ node, message: UNBOUNDED });
          },
          NewExpression: checkArguments,
        };

        function checkArguments(node: Deno.lint.CallExpression | Deno.lint.NewExpression): void {
          const spread = node.arguments.find(({ type }) => type === "SpreadElement");
          if (spread !== undefined) context.report({ node: spread, message: UNBOUNDED });
        }
      },
    },
    "terminal": {
      create: (context) => terminalRule(below(context.filename), context),
    },
    "no-default-export": {
      create(context) {
        const file = below(context.filename);
        return {
          ExportDefaultDeclaration: (node) => {
            if (!/^(configs|tests\/lint)\/|^examples\/(.*\/config|own_model)\.ts$/.test(file)) {
              context.report({ node, message: "Only configs export a default" });
            }
          },
        };
      },
    },
  },
};

export default plugin;
