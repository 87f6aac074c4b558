/**
 * Entry of a process that has Deno list the imports of a module, and kills that at a limit or where
 * its command is gone: an import may be of a file without end, which Deno reads into memory.
 */

if (import.meta.main) {
  const [deno = "", patience, ...args] = Deno.args;
  const info = new Deno.Command(deno, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  setTimeout(() => info.kill("SIGKILL"), Number(patience));
  (async () => {
    for await (const _ of Deno.stdin.readable);
    info.kill("SIGKILL");
  })();
  const [text] = await Promise.all([new Response(info.stdout).text(), info.status]);
  console.log(text);
  Deno.exit(0);
}
