// Attention of new tokens to a cache, one thread per head and token: no score is stored, so each
// is made twice, and values are summed element by element.
override N: u32;
override C: u32;
override H: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> cache: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn score(query: u32, key: u32) -> f32 {
  var total = 0.0f;
  for (var c = 0u; c < D; c++) { total += qkv[query + c] * cache[key + c]; }
  return total / sqrt(f32(D));
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y) / D) { return; }
  let head = i % H;
  let token = i / H;
  let last = places[token % N];
  let query = (token * 3u * H + head) * D;
  let first = (token / N) * C * 3u * H * D + (H + head) * D;
  let stride = 3u * H * D;
  var top = -3e38f;
  for (var j = 0u; j <= last; j++) { top = max(top, score(query, first + j * stride)); }
  var sum = 0.0f;
  for (var c = 0u; c < D; c++) { y[i * D + c] = 0.0f; }
  for (var j = 0u; j <= last; j++) {
    let p = exp(score(query, first + j * stride) - top);
    sum += p;
    for (var c = 0u; c < D; c++) { y[i * D + c] += p * cache[first + j * stride + H * D + c]; }
  }
  for (var c = 0u; c < D; c++) { y[i * D + c] /= sum; }
}
