/**
 * Entry of the process that runs `deno info` on a module. Kills `deno info` at a time limit or when
 * the parent has exited: it reads imports into memory, and an imported file can be endless.
 */

if (import.meta.main) {
  const [deno = "", timeout, ...args] = Deno.args;
  const info = new Deno.Command(deno, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  setTimeout(() => info.kill("SIGKILL"), Number(timeout));
  (async () => {
    for await (const _ of Deno.stdin.readable);
    info.kill("SIGKILL");
  })();
  const [text] = await Promise.all([new Response(info.stdout).text(), info.status]);
  console.log(text);
  Deno.exit(0);
}
