// Attention of new tokens to cached keys and values, one thread per head and token: no score is
// stored, so each is made twice, and values are summed element by element. Heads of width D, DV of a
// value, stand in rows of Q, K and V columns, from columns Q0, K0 and V0 on.
override N: u32;
override C: u32;
override H: u32;
override SHARED: u32;
override D: u32;
override DV: u32;
override Q: u32;
override Q0: u32;
override K: u32;
override K0: u32;
override V: u32;
override V0: u32;

@group(0) @binding(0) var<storage, read> queries: array<f32>;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn score(query: u32, key: u32) -> f32 {
  var total = 0.0f;
  for (var c = 0u; c < D; c++) { total += queries[query + c] * keys[key + c]; }
  return total / sqrt(f32(D));
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y) / DV) { return; }
  let head = i % H;
  let token = i / H;
  let last = places[token % N];
  let query = token * Q + Q0 + head * D;
  let key = token / N * C * K + K0 + head / SHARED * D;
  let value = token / N * C * V + V0 + head / SHARED * DV;
  var top = -3e38f;
  for (var j = 0u; j <= last; j++) { top = max(top, score(query, key + j * K)); }
  var sum = 0.0f;
  for (var c = 0u; c < DV; c++) { y[i * DV + c] = 0.0f; }
  for (var j = 0u; j <= last; j++) {
    let p = exp(score(query, key + j * K) - top);
    sum += p;
    for (var c = 0u; c < DV; c++) { y[i * DV + c] += p * values[value + j * V + c]; }
  }
  for (var c = 0u; c < DV; c++) { y[i * DV + c] /= sum; }
}
