// Scaled scores [B, H, T, T], one thread per element on and below the diagonal. Needs `met`.
override T: u32;
override H: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&scores)) { return; }
  let key = i % T;
  let query = (i / T) % T;
  let head = (i / (T * T)) % H;
  let batch = i / (T * T * H);
  if (key > query) { return; }
  let q = ((batch * T + query) * 3u * H + head) * D;
  let k = ((batch * T + key) * 3u * H + H + head) * D;
  var total = 0.0f;
  for (var c = 0u; c < D; c++) { total += qkv[q + c] * qkv[k + c]; }
  scores[i] = select(-3e38f, total / sqrt(f32(D)), met(i / T, key));
}
