@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
var<workgroup> block_a: array<array<array<vec4<f32>, 5>, 4>, 4>;
var<workgroup> block_b: array<array<array<array<vec4<f32>, 5>, 1>, 4>, 4>;
var<workgroup> parts: array<array<array<vec4<f32>, 16>, 4>, 3>;

  let lx = lid % 4u;
  let ly = (lid / 4u) % 4u;
  let slice = lid / 16u;
  let nb = wid.x * 16u;
  let mb = wid.y * 16u;
  let au = lid % 4u;
  let aq = min(mb / 4u + au, 8u);
  let ad0 = lid / 4u;
  let ap0 = ad0 / 4u;
  let at0 = ad0 % 4u;
  let be = lid % 4u;
  let bp = (4u * be) / 4u;
  let bt = be % 1u;
  let bu0 = lid / 4u;
  let br0 = (min(nb + bu0, 39u)) * 50u + be * 4u;
  var c0_0 = vec4<f32>();
  var c1_0 = vec4<f32>();
  var c2_0 = vec4<f32>();
  var c3_0 = vec4<f32>();
  for (var k = 0u; k < 48u; k += 16u) {
    let af0 = vec4<f32>(a[(k + ad0) * 33u + min(4u * aq + 0u, 32u)], a[(k + ad0) * 33u + min(4u * aq + 1u, 32u)], a[(k + ad0) * 33u + min(4u * aq + 2u, 32u)], a[(k + ad0) * 33u + min(4u * aq + 3u, 32u)]);
    let bf0 = vec4<f32>(b[br0 + k + 0u], b[br0 + k + 1u], b[br0 + k + 2u], b[br0 + k + 3u]);
    workgroupBarrier();
    block_a[ap0][at0][au] = af0;
    block_b[bp][bu0 % 4u][bt][bu0 / 4u] = bf0;
    workgroupBarrier();
    {
    let a0_0 = block_a[slice][0u][ly];
    let a1_0 = block_a[slice][1u][ly];
    let a2_0 = block_a[slice][2u][ly];
    let a3_0 = block_a[slice][3u][ly];
    let b0 = block_b[slice][0u][0u][lx];
    let b1 = block_b[slice][1u][0u][lx];
    let b2 = block_b[slice][2u][0u][lx];
    let b3 = block_b[slice][3u][0u][lx];
    let v0_0 = vec4<f32>(b0.x, b1.x, b2.x, b3.x);
    c0_0 += a0_0.x * v0_0;
    c1_0 += a0_0.y * v0_0;
    c2_0 += a0_0.z * v0_0;
    c3_0 += a0_0.w * v0_0;
    let v1_0 = vec4<f32>(b0.y, b1.y, b2.y, b3.y);
    c0_0 += a1_0.x * v1_0;
    c1_0 += a1_0.y * v1_0;
    c2_0 += a1_0.z * v1_0;
    c3_0 += a1_0.w * v1_0;
    let v2_0 = vec4<f32>(b0.z, b1.z, b2.z, b3.z);
    c0_0 += a2_0.x * v2_0;
    c1_0 += a2_0.y * v2_0;
    c2_0 += a2_0.z * v2_0;
    c3_0 += a2_0.w * v2_0;
    let v3_0 = vec4<f32>(b0.w, b1.w, b2.w, b3.w);
    c0_0 += a3_0.x * v3_0;
    c1_0 += a3_0.y * v3_0;
    c2_0 += a3_0.z * v3_0;
    c3_0 += a3_0.w * v3_0;
    }
  }
  {
  let af0 = select(vec4<f32>(), vec4<f32>(a[min(48u + ad0, 49u) * 33u + min(4u * aq + 0u, 32u)], a[min(48u + ad0, 49u) * 33u + min(4u * aq + 1u, 32u)], a[min(48u + ad0, 49u) * 33u + min(4u * aq + 2u, 32u)], a[min(48u + ad0, 49u) * 33u + min(4u * aq + 3u, 32u)]), 48u + ad0 < 50u);
  let bf0 = vec4<f32>(select(0.0f, b[br0 - 4u * be + min(48u + 4u * be + 0u, 49u)], 48u + 4u * be + 0u < 50u), select(0.0f, b[br0 - 4u * be + min(48u + 4u * be + 1u, 49u)], 48u + 4u * be + 1u < 50u), select(0.0f, b[br0 - 4u * be + min(48u + 4u * be + 2u, 49u)], 48u + 4u * be + 2u < 50u), select(0.0f, b[br0 - 4u * be + min(48u + 4u * be + 3u, 49u)], 48u + 4u * be + 3u < 50u));
  workgroupBarrier();
  block_a[ap0][at0][au] = af0;
  block_b[bp][bu0 % 4u][bt][bu0 / 4u] = bf0;
  workgroupBarrier();
  {
  let a0_0 = block_a[slice][0u][ly];
  let a1_0 = block_a[slice][1u][ly];
  let a2_0 = block_a[slice][2u][ly];
  let a3_0 = block_a[slice][3u][ly];
  let b0 = block_b[slice][0u][0u][lx];
  let b1 = block_b[slice][1u][0u][lx];
  let b2 = block_b[slice][2u][0u][lx];
  let b3 = block_b[slice][3u][0u][lx];
  let v0_0 = vec4<f32>(b0.x, b1.x, b2.x, b3.x);
  c0_0 += a0_0.x * v0_0;
  c1_0 += a0_0.y * v0_0;
  c2_0 += a0_0.z * v0_0;
  c3_0 += a0_0.w * v0_0;
  let v1_0 = vec4<f32>(b0.y, b1.y, b2.y, b3.y);
  c0_0 += a1_0.x * v1_0;
  c1_0 += a1_0.y * v1_0;
  c2_0 += a1_0.z * v1_0;
  c3_0 += a1_0.w * v1_0;
  let v2_0 = vec4<f32>(b0.z, b1.z, b2.z, b3.z);
  c0_0 += a2_0.x * v2_0;
  c1_0 += a2_0.y * v2_0;
  c2_0 += a2_0.z * v2_0;
  c3_0 += a2_0.w * v2_0;
  let v3_0 = vec4<f32>(b0.w, b1.w, b2.w, b3.w);
  c0_0 += a3_0.x * v3_0;
  c1_0 += a3_0.y * v3_0;
  c2_0 += a3_0.z * v3_0;
  c3_0 += a3_0.w * v3_0;
  }
  }
  let place = ly * 4u + lx;
  if (slice != 0u) {
    parts[slice - 1u][0u][place] = c0_0;
    parts[slice - 1u][1u][place] = c1_0;
    parts[slice - 1u][2u][place] = c2_0;
    parts[slice - 1u][3u][place] = c3_0;
  }
  workgroupBarrier();
  if (slice == 0u) {
  c0_0 += parts[0u][0u][place];
  c1_0 += parts[0u][1u][place];
  c2_0 += parts[0u][2u][place];
  c3_0 += parts[0u][3u][place];
  c0_0 += parts[1u][0u][place];
  c1_0 += parts[1u][1u][place];
  c2_0 += parts[1u][2u][place];
  c3_0 += parts[1u][3u][place];
  c0_0 += parts[2u][0u][place];
  c1_0 += parts[2u][1u][place];
  c2_0 += parts[2u][2u][place];
  c3_0 += parts[2u][3u][place];
  }
  if (slice != 0u) { return; }
