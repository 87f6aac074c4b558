@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dqkv: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> delta: array<f32>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
let me = gid.x + gid.y * 16u;
if (me >= 16u) { return; }
let bh = me % 2u;
let block = (7u - me / 2u) * 1u;
let first = block;
let packed = (bh / 2u) * 48u + (bh % 2u) * 1u;
let single = (bh / 2u) * 16u + (bh % 2u) * 1u;
let numbers = bh * 8u;
var lse0 = 0.0f; var delta0 = 0.0f;
for (var r = 0u; r < 1u; r++) {
let t = first + r;
var along = 0.0f;
for (var w = 0u; w < 1u; w++) {
along += dot(dy[single + (t) * 2u + w], y[single + (t) * 2u + w]);
}
let log = lse[numbers + t] * 1.4426950216293335f;
lse0 = select(lse0, log, r == 0u);
delta0 = select(delta0, along, r == 0u);
if (first + r < 8u) { delta[numbers + t] = along; }
}
var q0_0 = vec4<f32>();
var g0_0 = vec4<f32>();
for (var w = 0u; w < 1u; w++) {
var q0 = vec4<f32>();
var g0 = vec4<f32>();
for (var r = 0u; r < 1u; r++) {
let t = first + r;
let x_q = qkv[packed + (t) * 6u + 0u + w];
q0 = select(q0, x_q, r == 0u);
let x_g = dy[single + (t) * 2u + w];
g0 = select(g0, x_g, r == 0u);
}
q0_0 = select(q0_0, q0, w == 0u);
g0_0 = select(g0_0, g0, w == 0u);
}
var dq0_0 = vec4<f32>();
for (var j = 0u; j < min(block + 1u, 8u); j++) {
let kat = packed + (j) * 6u + 2u;
let vat = packed + (j) * 6u + 4u;
let k_0 = qkv[kat + 0u];
var x0 = dot(q0_0, k_0);
let v_0 = qkv[vat + 0u];
var z0 = dot(g0_0, v_0);
let p0 = exp2(select(-3.0000000054977558e+38f, x0 * 0.7213475108146667f - lse0, j <= first + 0u));
let d0 = p0 * (z0 - delta0);
dq0_0 = dq0_0 + d0 * k_0;
}
for (var w = 0u; w < 1u; w++) {
let c0 = dq0_0 * 0.5f;
for (var r = 0u; r < 1u; r++) {
let t = first + r;
if (first + r < 8u) {
let x = c0;
dqkv[packed + (t) * 6u + 0u + w] = x;
}
}
}
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> lse: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dqkv: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> delta: array<f32>;
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
let me = gid.x + gid.y * 16u;
if (me >= 16u) { return; }
let bh = me % 2u;
let block = (me / 2u) * 1u;
let first = block;
let packed = (bh / 2u) * 48u + (bh % 2u) * 1u;
let single = (bh / 2u) * 16u + (bh % 2u) * 1u;
let numbers = bh * 8u;
var k0_0 = vec4<f32>();
var v0_0 = vec4<f32>();
for (var w = 0u; w < 1u; w++) {
var k0 = vec4<f32>();
var v0 = vec4<f32>();
for (var r = 0u; r < 1u; r++) {
let t = first + r;
let x_k = qkv[packed + (t) * 6u + 2u + w];
k0 = select(k0, x_k, r == 0u);
let x_v = qkv[packed + (t) * 6u + 4u + w];
v0 = select(v0, x_v, r == 0u);
}
k0_0 = select(k0_0, k0, w == 0u);
v0_0 = select(v0_0, v0, w == 0u);
}
var dk0_0 = vec4<f32>();
var dv0_0 = vec4<f32>();
for (var j = block; j < 8u; j++) {
let log = lse[numbers + j] * 1.4426950216293335f;
let along = delta[numbers + j];
let qat = packed + (j) * 6u + 0u;
let gat = single + (j) * 2u;
let q_0 = qkv[qat + 0u];
var x0 = dot(k0_0, q_0);
let g_0 = dy[gat + 0u];
var z0 = dot(v0_0, g_0);
let p0 = exp2(select(-3.0000000054977558e+38f, x0 * 0.7213475108146667f - log, first + 0u <= j));
let d0 = p0 * (z0 - along);
let u0 = p0;
dv0_0 = dv0_0 + u0 * g_0;
dk0_0 = dk0_0 + d0 * q_0;
}
for (var w = 0u; w < 1u; w++) {
let c0 = dk0_0 * 0.5f;
for (var r = 0u; r < 1u; r++) {
let t = first + r;
if (first + r < 8u) {
let x = c0;
dqkv[packed + (t) * 6u + 2u + w] = x;
}
}
}
for (var w = 0u; w < 1u; w++) {
let c0 = dv0_0 * 1.0f;
for (var r = 0u; r < 1u; r++) {
let t = first + r;
if (first + r < 8u) {
let x = c0;
dqkv[packed + (t) * 6u + 4u + w] = x;
}
}
}
}
