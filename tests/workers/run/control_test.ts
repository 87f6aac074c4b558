/** Commands of the owner to a run, and the command line that sends them. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { ChannelError } from "../../../src/transport/channel.ts";
import { greet } from "../../../src/transport/handshake.ts";
import { dialUnix } from "../../../src/transport/unix.ts";
import { parseWorkers } from "../../../src/cli/workers/workers.ts";
import {
  clearControl,
  type ControlCommand,
  openControl,
  requireControl,
  sendControl,
} from "../../../workers/run/control.ts";
import { ROOT, taskWords } from "../../e2e/support.ts";
import { mkfifo } from "../../support/pipe.ts";
import { soon, until } from "../../transport/wire.ts";

const ADD: ControlCommand = { type: "workers", change: { add: 1 } };

/** A run's two folders, gone afterwards. */
class Place implements Disposable {
  readonly out = Deno.makeTempDirSync({ prefix: "shoal-control-" });
  readonly folder = `${this.out}/sockets`;

  [Symbol.dispose](): void {
    Deno.removeSync(this.out, { recursive: true });
  }
}

Deno.test("a command reaches the run, and its answer comes back", async () => {
  using place = new Place();
  const seen: ControlCommand[] = [];
  const control = await openControl({
    ...place,
    command: (command) => {
      seen.push(command);
      return Promise.resolve(`${seen.length} workers`);
    },
  });
  for (const change of [{ set: 3 }, { add: 1 }, { remove: 2 }]) {
    await soon(sendControl(place.out, { type: "workers", change }));
  }
  assertEquals(await soon(sendControl(place.out, ADD)), "4 workers");
  assertEquals(seen.map(({ change }) => change), [{ set: 3 }, { add: 1 }, { remove: 2 }, {
    add: 1,
  }]);
  control.close();
});

Deno.test("the file and the socket are the owner's alone, and gone at the end", async () => {
  using place = new Place();
  const control = await openControl({ ...place, command: () => "" });
  const path = `${place.out}/.control`;
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  const { socket, token } = JSON.parse(Deno.readTextFileSync(path));
  assertEquals(socket, `${place.folder}/control.sock`);
  assertEquals(Uint8Array.fromBase64(token).length, 32);
  assertEquals((Deno.statSync(place.folder).mode ?? 0) & 0o777, 0o700);
  assertEquals((Deno.statSync(socket).mode ?? 0) & 0o777, 0o600);
  control.close();
  control.close();
  assertEquals(Array.from(Deno.readDirSync(place.out), ({ name }) => name), ["sockets"]);
  assertEquals(Array.from(Deno.readDirSync(place.folder)), []);
});

Deno.test("the file is written through no link, and that of another run is left alone", async () => {
  using place = new Place();
  const thesis = `${place.out}/thesis.txt`;
  Deno.writeTextFileSync(thesis, "years of work");
  for (const name of [".control", ".control.tmp"]) {
    Deno.symlinkSync(thesis, `${place.out}/${name}`);
    let isLost = false;
    const check = () => {
      if (isLost) throw new UserError("locked", "Another run is there");
    };
    const control = await openControl({ ...place, command: () => "", check });
    assertEquals(Deno.readTextFileSync(thesis), "years of work", name);
    isLost = true;
    control.close();
    Deno.removeSync(`${place.out}/.control`); // It is there.
    await assertRejects(() => openControl({ ...place, command: () => "", check }), UserError);
    assertEquals(Array.from(Deno.readDirSync(place.folder)), []);
    assertThrows(() => Deno.lstatSync(`${place.out}/.control`), Deno.errors.NotFound);
  }
});

Deno.test("a command waits for no named pipe in the place of the file", async () => {
  using place = new Place();
  const path = `${place.out}/.control`;
  mkfifo(path);
  const says = `${path} is a named pipe`;
  await soon(assertRejects(() => sendControl(place.out, ADD), UserError, says));
});

Deno.test("what a killed run left of its control is removed, and nothing else", async () => {
  using place = new Place();
  const control = await openControl({ ...place, command: () => "" });
  const record = Deno.readTextFileSync(`${place.out}/.control`);
  control.close();
  const before = ["mine\n", '{"socket":1}', `{"more":1,${record.slice(1)}`, "x".repeat(5000)];
  for (const name of [".control", ".control.tmp"]) {
    const path = `${place.out}/${name}`;
    const torn = name === ".control" ? [] : ["{", record.slice(0, 30)];
    for (const text of ["", "\0\0", record, ...torn]) {
      Deno.writeTextFileSync(path, text);
      requireControl(place.out);
      clearControl(place.out);
      assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);
    }
    for (const text of before) {
      Deno.writeTextFileSync(path, text);
      for (const work of [clearControl, requireControl]) {
        const error = assertThrows(() => work(place.out), UserError, `Cannot use ${path}: need a`);
        assertEquals(error.exit, "config");
      }
      assertEquals(Deno.readTextFileSync(path), text);
    }
    Deno.removeSync(path);
    mkfifo(path);
    assertThrows(() => clearControl(place.out), UserError, "it is a named pipe");
    Deno.removeSync(path);
  }
});

Deno.test("control that cannot be told of leaves nothing", async () => {
  using place = new Place();
  Deno.mkdirSync(`${place.out}/.control/x`, { recursive: true }); // A rename onto it is refused.
  await assertRejects(() => openControl({ ...place, command: () => "" }), UserError);
  assertEquals(Array.from(Deno.readDirSync(place.out), ({ name }) => name).sort(), [
    ".control",
    "sockets",
  ]);
});

Deno.test("a run refuses a command with its own reason and exit code", async () => {
  using place = new Place();
  const control = await openControl({
    ...place,
    command: () => {
      throw new UserError("tooLarge", "Cannot add a worker: needs memory");
    },
  });
  const refusal = await assertRejects(() => soon(sendControl(place.out, ADD)), UserError);
  assertEquals([refusal.exit, refusal.message], ["tooLarge", "Cannot add a worker: needs memory"]);
  control.close();
});

Deno.test("a command that fails does not end the run", async () => {
  using place = new Place();
  let fails = true;
  const control = await openControl({
    ...place,
    command() {
      if (fails) throw new TypeError("A bug");
      return "well";
    },
  });
  const refusal = await assertRejects(() => soon(sendControl(place.out, ADD)), UserError, "A bug");
  assertEquals(refusal.exit, "bug");
  fails = false;
  assertEquals(await soon(sendControl(place.out, ADD)), "well");
  control.close();
});

Deno.test("a run refuses what is no command of this version", async () => {
  using place = new Place();
  const control = await openControl({ ...place, command: () => "never" });
  for (
    const command of [
      { type: "stop" },
      { type: "workers", change: { set: 0 } },
      { type: "workers", change: { set: 1.5 } },
      { type: "workers", change: { set: 1, add: 1 } },
      { type: "workers", change: { other: 1 } },
      { type: "workers", change: [1] },
      { type: "workers", change: {} },
      { type: "workers" },
    ]
  ) {
    const send = () => soon(sendControl(place.out, command as unknown as ControlCommand));
    await assertRejects(send, UserError, "needs one that this version knows");
  }
  control.close();
});

Deno.test("a run serves nobody who has not its control token", async () => {
  using place = new Place();
  let served = 0;
  const control = await openControl({ ...place, command: () => `${++served}` });
  const channel = await dialUnix(`${place.folder}/control.sock`, { attempt: 0 });
  const greeted = () =>
    greet(channel, { rank: 0, attempt: 0 }, { token: crypto.getRandomValues(new Uint8Array(32)) });
  await soon(assertRejects(greeted, ChannelError));
  const silent = await dialUnix(`${place.folder}/control.sock`, { attempt: 0 });
  await silent.send({ ...ADD }); // before any proof
  await soon(silent.receive().catch(() => {}));
  assertEquals(served, 0);
  assertEquals(await soon(sendControl(place.out, ADD)), "1");
  silent.close();
  control.close();
});

Deno.test("sendControl() says where no run is going on, and why it thinks so", async () => {
  using place = new Place();
  const fault = async (out: string) => {
    const refusal = await assertRejects(() => soon(sendControl(out, ADD)), UserError);
    assertEquals(refusal.exit, "config");
    assert(!refusal.message.includes("\n"));
    return refusal.message;
  };
  assertMatch(await fault(place.out), /none is going on there: there is no .*\.control$/);
  assertMatch(await fault(`${place.out}/nowhere`), /none is going on there: there is no/);
  Deno.writeTextFileSync(`${place.out}/.control`, "{");
  assertMatch(await fault(place.out), /\.control is damaged$/);
  const token = (bytes: number) => new Uint8Array(bytes).toBase64();
  for (
    const forged of [{ token: "" }, { token: token(31) }, { token: token(33) }, { token: 1 }, {
      token: token(32),
      socket: 1,
    }]
  ) {
    const text = JSON.stringify({ socket: `${place.folder}/x.sock`, ...forged });
    Deno.writeTextFileSync(`${place.out}/.control`, text);
    assertMatch(await fault(place.out), /\.control is damaged$/, text);
  }
  // What SIGKILL leaves: a file, and a socket without a listener or none at all.
  const control = await openControl({ ...place, command: () => "" });
  const left = Deno.readTextFileSync(`${place.out}/.control`);
  control.close();
  Deno.writeTextFileSync(`${place.out}/.control`, left);
  assertMatch(await fault(place.out), /its last one was killed and left .*\.control$/);
  const again = await openControl({ ...place, command: () => "" });
  assertEquals(await soon(sendControl(place.out, ADD)), "");
  again.close();
});

Deno.test("sendControl() says so when the run ends before it answers", async () => {
  using place = new Place();
  const held = Promise.withResolvers<string>();
  let served = false;
  const control = await openControl({
    ...place,
    command: () => {
      served = true;
      return held.promise;
    },
  });
  const refused = assertRejects(() => sendControl(place.out, ADD), UserError, "before it answered");
  await until(() => served);
  control.close();
  await soon(refused);
  held.resolve("too late");
});

Deno.test("parseWorkers() reads a folder and a number, more or fewer", () => {
  assertEquals(parseWorkers(["runs/a", "3"]), { out: "runs/a", change: { set: 3 } });
  assertEquals(parseWorkers(["runs/a", "+1"]), { out: "runs/a", change: { add: 1 } });
  assertEquals(parseWorkers(["runs/a", "-12"]), { out: "runs/a", change: { remove: 12 } });
  assertEquals(parseWorkers(["--help"]), "help");
  assertEquals(parseWorkers(["runs/a", "-h"]), "help");
});

Deno.test("parseWorkers() refuses anything else in a line", () => {
  const bad = ["", "runs/a", "3", "-1 runs/a", "runs/a 1 2", "runs/a 0", "runs/a +0", "runs/a 1.5"];
  for (
    const line of [...bad, "runs/a many", "runs/a --workers=2", "runs/a 9999999", "runs/a ++1"]
  ) {
    const args = line.split(" ").filter((word) => word !== "");
    const refusal = assertThrows(() => parseWorkers(args), UserError, "need a");
    assertEquals(refusal.exit, "config");
  }
});

/** Runs the command `workers` with its permissions. */
async function runTask(...args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...taskWords("workers"), ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("deno task workers changes a run, and tells in a line when it cannot", async () => {
  using place = new Place();
  const control = await openControl({
    ...place,
    command: ({ change }) => `changed ${JSON.stringify(change)}`,
  });
  const done = { code: EXIT.done, stdout: 'changed {"remove":1}\n', stderr: "" };
  assertEquals(await runTask(place.out, "-1"), done);
  control.close();
  const { code, stdout, stderr } = await runTask(place.out, "+1");
  assertEquals([code, stdout], [EXIT.config, ""]);
  assertMatch(stderr, /^error: Cannot reach a run in .*: none is going on there: .*\n$/);
  const help = await runTask("--help");
  assertEquals([help.code, help.stderr], [EXIT.done, ""]);
  assertMatch(help.stdout, /^Usage: deno task workers RUN/);
});
