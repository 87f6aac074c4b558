// One thread per element; `clear` is 1 for the launch that sets the count to zero.
override clear: u32;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> count: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&x)) { return; }
  if (clear == 1u) {
    atomicStore(&count[0], 0u);
  } else if ((x[i] & 0x7f800000u) == 0x7f800000u) {
    atomicAdd(&count[0], 1u);
  }
}
