// Probabilities as used, and gradients of the scores, both [B, H, T, T]; one thread per element on
// and below the diagonal. Needs `kept` and `met`.
override T: u32;
override H: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> lse: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;
@group(0) @binding(4) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(5) var<storage, read_write> slopes: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&slopes)) { return; }
  let key = i % T;
  let row = i / T;
  let query = row % T;
  let head = (row / T) % H;
  let batch = row / (T * H);
  if (key > query) { return; }
  let q = ((batch * T + query) * 3u * H + head) * D;
  let k = ((batch * T + key) * 3u * H + H + head) * D;
  let v = k + H * D;
  let g = ((batch * T + query) * H + head) * D;
  var score = 0.0f;
  var along = 0.0f;
  for (var c = 0u; c < D; c++) {
    score += qkv[q + c] * qkv[k + c];
    along += dy[g + c] * qkv[v + c];
  }
  let p = select(0.0f, exp(score / sqrt(f32(D)) - lse[row]), met(row, key));
  probabilities[i] = p * kept(i);
  slopes[i] = p * (along * kept(i) - delta[row]) / sqrt(f32(D));
}
