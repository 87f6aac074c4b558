/**
 * What a run's processes expose to others on the machine: no token in their arguments or
 * output, and no port. Deno itself opens one at SIGUSR1, which is tested too.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { namesIn, Place, tinyArgs } from "../e2e/support.ts";
import { untilClosed } from "../transport/peers.ts";
import { until } from "../transport/wire.ts";
import { catches, listening, startedWith } from "./support/proc.ts";

/** A token's format: 32 bytes in base64 (with padding) or in hex. */
const SECRET = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/;

/** The number of this signal on Linux. */
const SIGUSR1 = 10;

/** A Deno process that runs `code` until it is killed. */
function throwaway(code: string, env: Readonly<Record<string, string>> = {}) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1", "-"],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const start = async () => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${code}; setInterval(() => {}, 1000);`));
    await writer.write(new TextEncoder().encode("console.log('up');"));
    await writer.close();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
  };
  return {
    pid: child.pid,
    up: start(),
    kill: (signal: Deno.Signal) => child.kill(signal),
    status: child.status,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
    },
  };
}

Deno.test("the processes of a run show no token and listen on no port", async () => {
  using place = new Place();
  const running = place.start(
    tinyArgs("run", "--workers=2", "--steps=100000", "--checkpoint.every=5000"),
  );
  await running.line(/^step +7\//);
  const pids = place.processes();
  assertEquals(pids.length, 3);
  for (const pid of pids) {
    assertEquals(listening(pid), []);
    assertEquals(SECRET.exec(startedWith(pid))?.[0], undefined);
  }
  running.kill("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  assertEquals(code, 0);
  // The state's hash is 32 bytes in hex too, but no secret.
  const printed = `${stdout}\n${stderr}`.split("\n").filter((line) => !line.startsWith("state "));
  assertEquals(printed.filter((line) => SECRET.test(line)), []);
  place.assertQuiet();
});

Deno.test("strangers on any socket of a run have five seconds, 64 places and a kilobyte", async () => {
  using place = new Place();
  const running = place.start(
    tinyArgs("run", "--workers=2", "--steps=100000", "--checkpoint.every=5000"),
  );
  await running.line(/^step +2\//);
  const folder = place.of(`tmp/${namesIn(place.of("tmp"))[0]}`);
  const sockets = namesIn(folder).map((name) => `${folder}/${name}`);
  assertEquals(sockets.length, 4, sockets.join());
  const dial = async (path: string) => {
    const start = performance.now();
    const stranger = await Deno.connect({ transport: "unix", path });
    const closed = untilClosed(stranger).then(() => {
      close(stranger);
      return performance.now() - start;
    });
    return { stranger, closed };
  };
  await Promise.all(sockets.map(async (path) => {
    const silent = await dial(path);
    const talker = await dial(path);
    await talker.stranger.write(new Uint8Array(2000)).catch(() => {});
    assertLess(await talker.closed, 4000, path);
    const ms = await silent.closed;
    assert(ms > 4000 && ms < 15_000, `${path}: ${ms} ms`);
    let closed = 0;
    const crowd = await Promise.all(Array.from({ length: 100 }, () => dial(path)));
    for (const each of crowd) each.closed.then(() => closed++);
    await until(() => closed >= 36, 4000);
    for (const { stranger } of crowd) close(stranger);
  }));
  running.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  assertEquals(code, 0, stderr);
  place.assertQuiet();
});

function close(stranger: Deno.UnixConn): void {
  try {
    stranger.close();
  } catch {
    // It is closed already.
  }
}

Deno.test("a token in an environment, or a port, would be found", async () => {
  const token = crypto.getRandomValues(new Uint8Array(32));
  for (const text of [token.toBase64(), token.toHex()]) {
    await using careless = throwaway("Deno.listen({ hostname: '127.0.0.1', port: 0 })", {
      SHOAL_TOKEN: text,
    });
    await careless.up;
    assertEquals(SECRET.exec(startedWith(careless.pid))?.[0], text);
    const ports = listening(careless.pid);
    assert(/^127\.0\.0\.1:\d+$/.test(ports.join()), ports.join());
  }
});

Deno.test("no inspector opens at SIGUSR2 or SIGTERM", async () => {
  for (const signal of ["SIGUSR2", "SIGTERM"] as const) {
    await using process = throwaway(`Deno.addSignalListener("${signal}", () => {})`);
    await process.up;
    await until(() => catches(process.pid, SIGUSR1)); // it is up in every way
    process.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assertEquals(listening(process.pid), [], signal);
  }
});

Deno.test("Deno opens its inspector on 127.0.0.1:9229 at SIGUSR1, so that nothing here sends it", async () => {
  await using process = throwaway("");
  await process.up;
  assertEquals(listening(process.pid), []);
  // Deno 2.9 catches it about half a second after its start; before that it ends the process.
  await until(() => catches(process.pid, SIGUSR1));
  process.kill("SIGUSR1");
  await until(() => listening(process.pid).length > 0);
  assertEquals(listening(process.pid), ["127.0.0.1:9229"]);
});
