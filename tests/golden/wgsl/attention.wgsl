@group(0) @binding(0) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;
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
var q0_0 = vec4<f32>();
for (var w = 0u; w < 1u; w++) {
var q0 = vec4<f32>();
for (var r = 0u; r < 1u; r++) {
let t = first + r;
let x_q = qkv[packed + (t) * 6u + 0u + w];
q0 = select(q0, x_q, r == 0u);
}
q0_0 = select(q0_0, q0, w == 0u);
}
var y0_0 = vec4<f32>();
var m0 = -3.0000000054977558e+38f; var l0 = 0.0f;
for (var j = 0u; j < min(block + 1u, 8u); j++) {
let kat = packed + (j) * 6u + 2u;
let vat = packed + (j) * 6u + 4u;
let k_0 = qkv[kat + 0u];
var x0 = dot(q0_0, k_0);
let s0 = select(-3.0000000054977558e+38f, x0 * 0.7213475108146667f - 0.0f, j <= first + 0u);
let n0 = max(m0, s0);
let a0 = exp2(m0 - n0);
let p0 = exp2(s0 - n0);
m0 = n0;
l0 = l0 * a0 + p0;
let u0 = p0;
let v_0 = qkv[vat + 0u];
y0_0 = y0_0 * a0 + u0 * v_0;
}
let g0 = 1.0f / (l0 * 1.0f);
for (var r = 0u; r < 1u; r++) {
let t = first + r;
let log = m0 + log2(l0);
if (first + r < 8u) { lse[numbers + t] = log * 0.6931471824645996f; }
}
for (var w = 0u; w < 1u; w++) {
let c0 = y0_0 * g0;
for (var r = 0u; r < 1u; r++) {
let t = first + r;
if (first + r < 8u) {
let x = c0;
y[single + (t) * 2u + w] = x;
}
}
}
}
