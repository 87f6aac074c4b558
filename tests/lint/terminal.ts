/**
 * The rule `terminal`: only the files below may write to a terminal, since they make text
 * printable. Child processes may print into pipes that the project reads.
 */

/** Files that may use the console. */
const CONSOLE = [
  "src/base/text/say.ts",
  "src/terminal/output.ts",
  // Child processes whose stdout is a pipe.
  "src/cli/launch.ts",
  "src/cli/doctor/look.ts",
  "src/cli/doctor/map.ts",
  "src/device/enumerate.ts",
  "src/config/module/module_child.ts",
  "workers/module_check.ts",
  "src/modules/user_child.ts",
  "src/config/module/module_list_child.ts",
  "workers/probe/probe_child.ts",
  "bench/data/prepare_child.ts",
  "bench/step/startup_child.ts",
  "bench/exchange/reduce_pair.ts",
  "bench/peers/",
  // As a user's program: what the model wrote goes to stdout as it is.
  "examples/own_model.ts",
];

/** Files that may write to a stream. */
const STREAMS = [
  "src/terminal/output.ts",
  "src/terminal/status.ts",
  // A picture for a file.
  "bench/picture/picture_main.ts",
];

/** Files that may open a stream with control sequences, through DrawnLine. */
const OPENERS = ["src/terminal/status.ts", "src/cli/train/train.ts"];

/** Node modules that access a terminal. */
const MODULES = /^(node:)?(process|console|tty|readline)(\/|$)/;

const MESSAGE =
  "Text reaches a terminal through say() and warn() of src/base/text/say.ts, or a status line";

/** Whether a list of files, and of folders that end with a slash, includes a file. */
function isIn(files: readonly string[], file: string): boolean {
  return files.some((name) => name.endsWith("/") ? file.startsWith(name) : file === name);
}

/**
 * The visitor for a file below the root; tests are exempt, since only developers read their output.
 */
export function terminalRule(file: string, context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  if (!/^(src|workers|kernels|configs|examples|bench)\/|^mod\.ts$/.test(file)) return {};
  const report = (node: Deno.lint.Node) => context.report({ node, message: MESSAGE });
  const isNamed = (node: Deno.lint.Node | null | undefined, ...names: readonly string[]) =>
    (node?.type === "Identifier" && names.includes(node.name)) ||
    (node?.type === "Literal" && names.includes(String(node.value)));
  return {
    Identifier(node) {
      if (node.name !== "console" || isIn(CONSOLE, file)) return;
      const { parent } = node as { parent?: Deno.lint.Node };
      // Not a key of that name, nor a member of another object.
      const isKey = parent?.type === "Property" && parent.key === node && parent.value !== node;
      const isMember = parent?.type === "MemberExpression" && parent.property === node &&
        !isNamed(parent.object, "globalThis", "window", "self");
      if (!isKey && !isMember) report(node);
    },
    MemberExpression(node) {
      const isStream = isNamed(node.property, "stdout", "stderr") &&
        isNamed(node.object, "Deno", "process");
      if (!isStream || isIn(STREAMS, file)) return;
      const { parent } = node as { parent?: Deno.lint.Node };
      const isAsked = parent?.type === "MemberExpression" && isNamed(parent.property, "isTerminal");
      // A list of streams that are only queried.
      const isListed = parent?.type === "ArrayExpression" && file === "src/terminal/signals.ts";
      if (!isAsked && !isListed) report(node);
    },
    VariableDeclarator(node) {
      if (node.id.type !== "ObjectPattern" || !isNamed(node.init, "Deno", "process")) return;
      const takes = node.id.properties.some((property) =>
        property.type === "Property" && isNamed(property.key, "stdout", "stderr")
      );
      if (takes && !isIn(STREAMS, file)) report(node);
    },
    CallExpression(node) {
      if (isNamed(node.callee, "alert", "confirm", "prompt")) report(node);
    },
    ImportDeclaration(node) {
      const [only, ...others] = node.specifiers;
      const isClock = others.length === 0 && only?.type === "ImportSpecifier" &&
        isNamed(only.imported, "cpuUsage");
      if (MODULES.test(node.source.value) && !isClock) report(node);
      const opens = node.specifiers.some((specifier) =>
        specifier.type === "ImportSpecifier" && isNamed(specifier.imported, "openOutput")
      );
      if (opens && !isIn(OPENERS, file)) report(node);
    },
    Property(node) {
      const isChild = isNamed(node.key, "stdout", "stderr") && isNamed(node.value, "inherit");
      if (isChild && file !== "bench/data/prepare.ts") report(node);
    },
  };
}
