/** Temporary certificates for tests, created by openssl. */
import type { TlsIdentity } from "../../src/transport/tls.ts";

/** Whether the command is there. */
export const HAS_OPENSSL: boolean = found();

/** Names for which certificates of tests hold. */
const NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** An authority, and a certificate that it has signed. */
export function makeIdentity(): TlsIdentity {
  const folder = Deno.makeTempDirSync({ prefix: "shoal-tls-" });
  const run = (...args: readonly string[]) => {
    const { success, stderr } = new Deno.Command("openssl", { args: [...args], cwd: folder })
      .outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
  try {
    const authority = ["-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test"];
    run("req", "-x509", ...NEW_KEY, ...authority);
    run("req", ...NEW_KEY, "-keyout", "key", "-out", "csr", "-subj", "/CN=worker");
    Deno.writeTextFileSync(`${folder}/names`, NAMES);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    run("x509", "-req", "-in", "csr", "-out", "cert", ...signed, "-extfile", "names");
    return { ca: read("ca.pem"), cert: read("cert"), key: read("key") };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function found(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"] }).outputSync().success;
  } catch {
    return false;
  }
}
