// dqkv [B, T, 3, H, D] from probabilities and slopes [B, H, T, T], one thread per element.
override T: u32;
override H: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(3) var<storage, read_write> slopes: array<f32>;
@group(0) @binding(4) var<storage, read_write> dqkv: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&dqkv)) { return; }
  let c = i % D;
  let head = (i / D) % H;
  let part = (i / (D * H)) % 3u;
  let time = (i / (3u * D * H)) % T;
  let batch = i / (3u * D * H * T);
  let square = (batch * H + head) * T * T;
  var total = 0.0f;
  if (part == 0u) {
    for (var j = 0u; j <= time; j++) {
      let k = ((batch * T + j) * 3u * H + H + head) * D;
      total += slopes[square + time * T + j] * qkv[k + c];
    }
  } else if (part == 1u) {
    for (var j = time; j < T; j++) {
      let q = ((batch * T + j) * 3u * H + head) * D;
      total += slopes[square + j * T + time] * qkv[q + c];
    }
  } else {
    for (var j = time; j < T; j++) {
      let g = ((batch * T + j) * H + head) * D;
      total += probabilities[square + j * T + time] * dy[g + c];
    }
  }
  dqkv[i] = total;
}
