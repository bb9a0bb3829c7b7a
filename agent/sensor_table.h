/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_SENSOR_TABLE_H
#define AGENT_SENSOR_TABLE_H
/* Reading the kernel's tables: the snapshot and the edges. For sensor.c alone. */
#include "agent/sensor.h"

/* As sensor_snapshot; link is that of the iterator. */
int sensor_table_snapshot(int link, sensor_row_fn *row, void *owner);
/* As sensor_walk_edges; map is the edge table. */
int sensor_table_edges(int map, bool evict, sensor_edge_fn *edge, void *owner);

#endif
