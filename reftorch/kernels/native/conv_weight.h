/* The gradients by the weight of the direct convolutions and by the bias of all, a template (real.h): sums over the pixels of all images, in the
 * order of memory. */

/* dw [taps][PANEL] for one panel of filters and taps [first, last), from images whose padded copies follow one another; `grad` is
 * [images][pixels][PANEL]. */
static void R(weight_panel)(const conv_plan *p, const real *x, const int *offset, const real *grad, isize filters, isize first,
                            isize last,
                            real *dw, isize line_begin, isize lines, isize column, isize width) {
    isize line[LINES_AT_ONCE];
    row_walk at = walk_from(p, line_begin);
    for (isize i = 0; i < lines; i++, walk_on(p, &at)) line[i] = at.at + column;
    for (isize k = first, h; k < last; k += h) {
        h = tile_height(last - k);
        R(gradient_tile)((int)h, filters > LANES ? 2 : 1, lines, width, x, line, offset + k,
                         grad + (line_begin * p->s.out[2] + column) * PANEL,
                         dw + k * PANEL);
    }
}

/* The same for few filters, which would leave lanes of a panel empty: dw [filters][taps], taps [first, last) of it, vectors lie along rows of pixels.
 * Lines are added up a few at a time, those of one image together. */
static void R(weight_of_few)(const conv_plan *p, const real *x, const int *offset, const real *grad, isize first, isize last,
                             real *dw) {
    isize line[LINES_AT_ONCE], filters = p->s.filters, width = p->s.out[2];
    for (isize f = 0; f < filters; f++) memset(dw + f * p->taps + first, 0, (last - first) * sizeof(real));
    for (isize n = 0; n < p->s.batch; n++)
        for (isize r = 0, lines; r < p->rows; r += lines) {
            lines = isize_min(LINES_AT_ONCE, p->rows - r);
            row_walk at = walk_from(p, r);
            for (isize i = 0; i < lines; i++, walk_on(p, &at)) line[i] = at.at;
            const real *from = grad + n * p->s.groups * filters * p->pixels + r * width;
            for (isize f = 0; f < filters; f += 3)
                for (isize k = first; k < last; k += 4)
                    R(few_tile)[isize_min(3, filters - f)][isize_min(4, last - k)](lines, width, x + n * p->image, line,
                                                                                   offset + k, from + f * p->pixels,
                                                                                   p->pixels, dw + f * p->taps + k, p->taps);
        }
}

/* A 1x1 kernel: dw [filters][channels] = sum over images of grad [filters][pixels] * x^T [pixels][channels]. */
static int R(point_weight)(int threads, const conv_shape *s, isize step, isize pixels, const real *x, const real *grad,
                           real *dw) {
    for (isize g = 0; g < s->groups; g++)
        for (isize n = 0; n < s->batch; n++)
            if (R(gemm)(threads, s->filters, s->channels, pixels, grad + (n * s->groups + g) * s->filters * pixels, pixels, 1,
                        x + n * s->x_strides[0] + g * s->channels * s->x_strides[1], step, s->x_strides[1], dw + g * s->filters * s->channels, s->channels,
                        n > 0))
                return -1;
    return 0;
}

static int R(direct_weight)(int threads, const conv_shape *given, const real *x, const real *grad, real *dw) {
    conv_shape s = *given;
    isize total = s.out[0] * s.out[1] * s.out[2], step = point_step(&s);
    if (step && total >= 64 && s.filters >= TILE_ROWS && s.channels >= TILE_ROWS) return R(point_weight)(threads, &s, step, total, x, grad, dw);
    conv_plan p = plan_of(&s, 1);
    int plain = read_in_place(&p);
    isize panels = (s.filters + PANEL - 1) / PANEL, images = s.batch * s.groups, width = s.out[2];
    if ((double)images * p.pixels * s.filters * p.taps < CONV_SERIAL) threads = 1;
    int few = s.filters <= LANES && s.filters % LANES && width >= LANES;
    if (few) panels = 0;
    size_t padded = plain ? 0 : s.batch * p.image + SLACK, turned = images * panels * p.pixels * PANEL, sums = s.groups * panels * p.taps * PANEL;
    real *copies = scratch_get((padded + turned + sums) * sizeof(real) + p.taps * sizeof(int)), *grads = copies + padded, *made = grads + turned;
    if (!copies) return -1;
    int *offset = (int *)(made + sums);
    plan_offsets(&p, offset);
    const real *cells = plain ? x : copies;
    isize lines = width > 320 ? 1 : isize_min(LINES_AT_ONCE, 320 / width), columns = isize_min(width, 320);
    isize tiles = (p.taps + TILE_ROWS - 1) / TILE_ROWS, pieces = isize_min(tiles,
                                                                           threads == 1 ? 1 : (2 * threads + s.groups - 1) / s.groups);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        if (!plain) {
#pragma omp for nowait
            for (isize c = 0; c < images * s.channels; c++) {
                isize channels = s.groups * s.channels;
                R(pad_channel)(&p, x + c / channels * s.x_strides[0] + c % channels * s.x_strides[1], copies + c * p.channel);
            }
        }
#pragma omp for
        for (isize q = 0; q < images * panels; q++) {          /* q = (group, panel, image) */
            isize n = q % s.batch, o = q / s.batch % panels * PANEL, g = q / s.batch / panels, filters = isize_min(PANEL, s.filters - o);
            real *to = grads + q * p.pixels * PANEL;
            if (filters < PANEL) memset(to, 0, p.pixels * PANEL * sizeof(real));
            R(transpose_all)(grad + ((n * s.groups + g) * s.filters + o) * p.pixels, p.pixels, filters, p.pixels, to, PANEL);
        }
#pragma omp for schedule(dynamic, 1)
        for (isize q = 0; q < s.groups * pieces; q++) {
            isize g = q / pieces, first = tiles * (q % pieces) / pieces * TILE_ROWS;
            isize last = isize_min(p.taps, tiles * (q % pieces + 1) / pieces * TILE_ROWS);
            if (few)
                R(weight_of_few)(&p, cells + g * p.group, offset, grad + g * s.filters * p.pixels, first, last,
                                 dw + g * s.filters * p.taps);
            for (isize o = 0; o < panels; o++)
                memset(made + ((g * panels + o) * p.taps + first) * PANEL, 0, (last - first) * PANEL * sizeof(real));
            for (isize r = 0; !few && r < s.batch * p.rows; r += lines)
                for (isize j = 0; j < width; j += columns)
                    for (isize o = 0; o < panels; o++)
                        R(weight_panel)(&p, cells + g * p.group, offset, grads + (g * panels + o) * s.batch * p.pixels * PANEL,
                                        s.filters - o * PANEL, first,
                                        last, made + (g * panels + o) * p.taps * PANEL, r, isize_min(lines, s.batch * p.rows - r), j,
                                        isize_min(columns, width - j));
        }
#pragma omp for
        for (isize q = 0; q < s.groups * panels; q++) {
            isize o = q % panels * PANEL;
            R(transpose_all)(made + q * p.taps * PANEL, PANEL, p.taps, isize_min(PANEL, s.filters - o),
                             dw + (q / panels * s.filters + o) * p.taps, p.taps);
        }
    }
    scratch_put(copies);
    return 0;
}

/* sums[channel] of grad [batch][channels][pixels]: vectors over a stretch, then double precision. */
static int R(channel_sums)(int threads, isize batch, isize channels, isize pixels, const void *given, void *sums) {
    if ((double)batch * channels * pixels < CONV_SERIAL) threads = 1;
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (isize c = 0; c < channels; c++) {
        double total = 0;
        for (isize n = 0; n < batch; n++) {
            const real *grad = (const real *)given + (n * channels + c) * pixels;
            for (isize j = 0; j < pixels;) {
                isize end = isize_min(pixels, j + 64 * LANES);
                vec a = V(all)(0), b = a;
                for (; j + 2 * LANES <= end; j += 2 * LANES) a += V(load)(grad + j), b += V(load)(grad + j + LANES);
                a += b;
                for (int l = 0; l < LANES; l++) total += a[l];
                for (; j < end; j++) total += grad[j];
            }
        }
        ((real *)sums)[c] = (real)total;
    }
    return 0;
}
