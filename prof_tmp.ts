import { gradientPlan, shapeOf, updatePlan } from "./workers/plans.ts";
import { resolveConfig } from "./src/config/resolve.ts";
import { openWebGpu } from "./src/device/webgpu.ts";
const [layers, width, heads, window, windows] = (Deno.args[0] ?? "2,64,4,64,8").split(",").map(Number);
const c = resolveConfig({ windows, data: { window }, model: { kind: "gpt", layers, width, heads } });
const { layout } = shapeOf(c, 86);
const p = gradientPlan(c, 86, layout);
const d = await openWebGpu({ runtime: Deno.version.deno, clock: true });
const m = d.memory(); 
const prog = await d.load(p, m);
const rd = async () => { await m.read([{slot:"grad/0",offset:0,length:4}]); };
prog.run(); await rd(); await new Promise(r=>setTimeout(r,30));
const s0 = await d.passSeconds();
let t = performance.now(); const R=20; for (let i=0;i<R;i++) prog.run(); const enc=performance.now()-t; await rd(); const wall=(performance.now()-t)/R; const s1=await d.passSeconds();
console.log("plan wall", wall.toFixed(2), "ms encode", (enc/R).toFixed(2), "pass gpu", ((s1!-s0!)/R*1e3).toFixed(2));
const agg: Record<string, [number, number, number]> = {}; const rows: string[] = [];
for (const [i, call] of p.calls.entries()) {
  const q = await d.load({ ...p, calls: Array(30).fill(call) }, m);
  q.run(); await rd(); let best = 1e9;
  for (let k=0;k<3;k++){ const t=performance.now(); q.run(); await rd(); best=Math.min(best,(performance.now()-t)/30);}
  const cost = call.op.cost(call, call.attrs);
  const a = agg[call.op.name] ??= [0,0,0]; a[0]+=best; a[1]++; a[2]+=cost.flops;
  rows.push(`${i} ${call.op.name} ${call.inputs.map(x=>`[${x.shape}]`)} ${best.toFixed(3)} ms ${(cost.flops/best/1e6).toFixed(1)} GF/s`);
}
if (Deno.args[1]) console.log(rows.join("\n"));
let tot=0; for (const [k,[ms,n,f]] of Object.entries(agg).sort((a,b)=>b[1][0]-a[1][0])) { tot+=ms; console.log(k.padEnd(26), n, ms.toFixed(2), "ms", (f/ms/1e6).toFixed(1), "GF/s"); }
console.log("sum", tot.toFixed(2));
Deno.exit(0);
