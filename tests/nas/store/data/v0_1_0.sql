-- A database of version 0.1.0 (revision 0002), made by its own code: every kind of search, trials of every status,
-- adopted ones, snapshots, training-free scores, a token. The test beside it says what must be read from it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE architectures (
	"key" VARCHAR(64) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	document JSON NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_architectures PRIMARY KEY ("key")
);
INSERT INTO "architectures" VALUES('ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [12, 1]}}, {"input": 0, "operator": {"op": "atrous_separable", "rate": [21, 15]}}, {"input": -1, "operator": {"op": "atrous_separable", "rate": [18, 12]}}]}',1700000005.625);
INSERT INTO "architectures" VALUES('4d0c2cb303687af1a920fca640023ef867095e17c1575909289e749659fb0bba','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [12, 15]}}, {"input": 0, "operator": {"op": "atrous_separable", "rate": [15, 12]}}, {"input": 1, "operator": {"op": "atrous_separable", "rate": [9, 6]}}]}',1700000010.125);
INSERT INTO "architectures" VALUES('fee5ad5fc034548246ed8bf1edda7c903ae3797efbbcbf5c4f3eb7094e66b5cc','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [3, 9]}}, {"input": 0, "operator": {"op": "atrous_separable", "rate": [9, 21]}}, {"input": -1, "operator": {"op": "atrous_separable", "rate": [12, 9]}}]}',1700000013.5);
INSERT INTO "architectures" VALUES('6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [3, 1]}}, {"input": 0, "operator": {"op": "atrous_separable", "rate": [15, 3]}}, {"input": -1, "operator": {"op": "atrous_separable", "rate": [12, 18]}}]}',1700000016.875);
INSERT INTO "architectures" VALUES('20447bf676b52931181cec2a7f9a4c3b7375b112a312c0a2320d9db5bb7e90b7','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [15, 12]}}, {"input": -1, "operator": {"op": "pyramid_pooling", "grid": [2, 4]}}, {"input": 1, "operator": {"op": "atrous_separable", "rate": [12, 21]}}]}',1700000021.375);
INSERT INTO "architectures" VALUES('d510ecf98e3c4b1feceb0ccc8e181643a56d6cd48468d7c0fb4f8141c1fbe7dc','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "pyramid_pooling", "grid": [2, 2]}}, {"input": 0, "operator": {"op": "atrous_separable", "rate": [18, 21]}}, {"input": 1, "operator": {"op": "atrous_separable", "rate": [12, 1]}}]}',1700000023.625);
INSERT INTO "architectures" VALUES('f0561fd4f947a455208eb96601701fb7dd3fe00be779235a607a92df72c377ff','dense_cell','{"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [3, 6]}}, {"input": 0, "operator": {"op": "atrous_separable", "rate": [18, 6]}}, {"input": -1, "operator": {"op": "pyramid_pooling", "grid": [2, 2]}}]}',1700000030.375);
INSERT INTO "architectures" VALUES('de53268a1cddd24070097ea4888dd2817d668343bd0e781813b2912dd3c3e096','reference_head','{"kind": "reference_head", "name": "conv1x1", "rates": [], "bins": []}',1700000037.125);
INSERT INTO "architectures" VALUES('be20c2169d0ffc232ea38deba6b7daf08b14ec5ca6c4ac3ee72b691e45330e13','reference_head','{"kind": "reference_head", "name": "aspp", "rates": [6, 12, 18], "bins": []}',1700000041.625);
INSERT INTO "architectures" VALUES('bde5b7f6e49e23e02712d3e1b68191ea514a850be10710b1690a06e9969b38cf','auto_deeplab','{"kind": "auto_deeplab", "blocks": [{"edges": [{"input": 0, "operator": "avg_pool_3x3"}, {"input": 0, "operator": "atrous_3x3"}]}], "path": [0, 1, 1]}',1700000114.75);
CREATE TABLE fidelities (
	"key" VARCHAR(64) NOT NULL, 
	document JSON NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_fidelities PRIMARY KEY ("key")
);
INSERT INTO "fidelities" VALUES('e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e','{"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}',1700000005.625);
INSERT INTO "fidelities" VALUES('758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837','{"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [400], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}',1700000050.625);
CREATE TABLE measurements (
	search_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	score DOUBLE NOT NULL, 
	class_iou JSON NOT NULL, 
	train_loss DOUBLE NOT NULL, 
	val_loss DOUBLE NOT NULL, 
	seconds DOUBLE NOT NULL, 
	device_seconds DOUBLE NOT NULL, 
	created_at DOUBLE NOT NULL, parameters BIGINT, multiply_adds BIGINT, 
	CONSTRAINT pk_measurements PRIMARY KEY (search_id, number, iteration), 
	CONSTRAINT ck_measurements_iteration CHECK (iteration >= 1), 
	CONSTRAINT ck_measurements_score CHECK (score >= 0 AND score <= 1), 
	CONSTRAINT fk_measurements_search_id_number FOREIGN KEY(search_id, number) REFERENCES trials (search_id, number)
);
INSERT INTO "measurements" VALUES('s000000000001',0,100,1,0.3,'[0.3, null]',1.5,1.25,1.0,2.0,1700000006.75,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000001',0,200,1,0.5,'[0.5, null]',1.5,1.25,2.0,4.0,1700000007.875,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000001',1,100,1,0.25,'[0.25, null]',1.5,1.25,1.0,2.0,1700000011.25,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000001',2,100,1,0.9,'[0.9, null]',1.5,1.25,1.0,2.0,1700000014.625,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000001',3,100,1,0.4,'[0.4, null]',1.5,1.25,1.0,2.0,1700000018.0,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000001',3,200,1,0.75,'[0.75, null]',1.5,1.25,2.0,4.0,1700000019.125,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000001',4,100,1,0.95,'[0.95, null]',1.5,1.25,1.0,2.0,1700000022.5,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000002',0,100,1,0.125,'[0.125, null]',1.5,1.25,1.0,2.0,1700000031.5,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000003',0,100,1,0.2,'[0.2, null]',1.5,1.25,1.0,2.0,1700000038.25,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000003',0,200,1,0.5,'[0.5, null]',1.5,1.25,2.0,4.0,1700000039.375,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000003',1,100,1,3.00000000000000044408e-01,'[0.30000000000000004, null]',1.5,1.25,1.0,2.0,1700000042.75,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000003',1,200,1,0.625,'[0.625, null]',1.5,1.25,2.0,4.0,1700000043.875,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000004',0,400,1,0.875,'[0.875, null]',1.5,1.25,4.0,8.0,1700000051.75,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000004',1,400,1,0.625,'[0.625, null]',1.5,1.25,4.0,8.0,1700000055.125,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000005',0,400,1,0.875,'[0.875, null]',1.5,1.25,4.0,8.0,1700000064.125,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000005',1,400,1,0.625,'[0.625, null]',1.5,1.25,4.0,8.0,1700000065.25,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',0,100,1,0.125,'[0.125, null]',1.5,1.25,1.0,2.0,1700000072.0,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',0,200,1,0.25,'[0.25, null]',1.5,1.25,2.0,4.0,1700000073.125,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',1,100,1,0.1875,'[0.1875, null]',1.5,1.25,1.0,2.0,1700000076.5,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',1,200,1,0.375,'[0.375, null]',1.5,1.25,2.0,4.0,1700000077.625,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',2,100,1,0.25,'[0.25, null]',1.5,1.25,1.0,2.0,1700000081.0,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',2,200,1,0.5,'[0.5, null]',1.5,1.25,2.0,4.0,1700000082.125,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',3,100,1,0.3125,'[0.3125, null]',1.5,1.25,1.0,2.0,1700000085.5,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',3,200,1,0.625,'[0.625, null]',1.5,1.25,2.0,4.0,1700000086.625,1200,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',4,400,1,0.25,'[0.25, null]',1.5,1.25,4.0,8.0,1700000090.0,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',5,400,1,0.375,'[0.375, null]',1.5,1.25,4.0,8.0,1700000093.375,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',6,400,1,0.5,'[0.5, null]',1.5,1.25,4.0,8.0,1700000096.75,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000006',7,400,1,0.625,'[0.625, null]',1.5,1.25,4.0,8.0,1700000100.125,1400,1099511627776);
INSERT INTO "measurements" VALUES('s000000000007',1,100,1,0.5,'[0.5, null]',1.5,1.25,1.0,2.0,1700000115.875,1100,1099511627776);
INSERT INTO "measurements" VALUES('s000000000007',1,200,1,0.6875,'[0.6875, null]',1.5,1.25,2.0,4.0,1700000117.0,1200,1099511627776);
CREATE TABLE "searches" (
	id VARCHAR(32) NOT NULL, 
	idempotency_key VARCHAR(255), 
	spec JSON NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	attempt INTEGER NOT NULL, 
	stage JSON, 
	software JSON, 
	message TEXT, 
	not_before DOUBLE, 
	lease_owner VARCHAR(255), 
	lease_until DOUBLE, 
	created_at DOUBLE NOT NULL, 
	updated_at DOUBLE NOT NULL, 
	started_at DOUBLE, 
	finished_at DOUBLE, 
	kind VARCHAR(16) NOT NULL, 
	parent_id VARCHAR(32), 
	forecast JSON, 
	CONSTRAINT pk_searches PRIMARY KEY (id), 
	CONSTRAINT uq_searches_idempotency_key UNIQUE (idempotency_key), 
	CONSTRAINT ck_searches_finished CHECK ((status IN ('completed', 'failed', 'stopped')) = (finished_at IS NOT NULL)), 
	CONSTRAINT ck_searches_status CHECK (status IN ('queued', 'starting', 'running', 'stopping', 'completed', 'failed', 'stopped')), 
	CONSTRAINT ck_searches_attempt CHECK (attempt >= 0), 
	CONSTRAINT fk_searches_parent_id FOREIGN KEY(parent_id) REFERENCES searches (id)
);
INSERT INTO "searches" VALUES('s000000000001','key-of-cells','{"name": "cells", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "black_box", "space": {"kind": "dense_cell", "branches": 5}, "strategy": {"name": "random"}, "fidelity": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "trials": 20, "early_stopping": {"reduction": 3.0}}','stopped',1,'{"name": "trials", "done": 3, "total": 20}','{"torch": "2.13.0", "segnas": "0.1.0"}','stopped on request',NULL,NULL,NULL,1700000001.125,1700000025.875,1700000003.375,1700000025.875,'black_box',NULL,'{"trials": 20, "device_seconds": 80.0, "seconds": 80.0, "basis": "1 trial at the same fidelity", "reason": null, "parts": [], "runs": null}');
INSERT INTO "searches" VALUES('s000000000002',NULL,'{"name": "still running", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "black_box", "space": {"kind": "dense_cell", "branches": 5}, "strategy": {"name": "random"}, "fidelity": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "trials": 4, "early_stopping": {"reduction": 3.0}}','running',1,NULL,'{"torch": "2.13.0", "segnas": "0.1.0"}',NULL,NULL,NULL,NULL,1700000027.0,1700000029.25,1700000029.25,NULL,'black_box',NULL,NULL);
INSERT INTO "searches" VALUES('s000000000003',NULL,'{"name": "heads", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "reference", "heads": [{"kind": "reference_head", "name": "conv1x1", "rates": [], "bins": []}, {"kind": "reference_head", "name": "aspp", "rates": [6, 12, 18], "bins": []}], "seeds": 1, "fidelity": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}}','completed',1,NULL,'{"torch": "2.13.0", "segnas": "0.1.0"}',NULL,NULL,NULL,NULL,1700000033.75,1700000046.125,1700000036.0,1700000046.125,'reference',NULL,NULL);
INSERT INTO "searches" VALUES('s000000000004',NULL,'{"name": "cells: full scale", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "full_scale", "of": "s000000000001", "sampling": "explicit", "trials": [3, 0], "fidelity": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [400], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "seeds": 1, "training_free": ["synflow"]}','completed',1,NULL,'{"torch": "2.13.0", "segnas": "0.1.0"}',NULL,NULL,NULL,NULL,1700000047.25,1700000059.625,1700000049.5,1700000059.625,'full_scale','s000000000001',NULL);
INSERT INTO "searches" VALUES('s000000000005',NULL,'{"name": "cells: full scale again", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "full_scale", "of": "s000000000001", "sampling": "explicit", "trials": [3, 0], "fidelity": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [400], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "seeds": 1, "training_free": ["synflow"]}','completed',1,NULL,'{"torch": "2.13.0", "segnas": "0.1.0"}',NULL,NULL,NULL,NULL,1700000060.75,1700000066.375,1700000063.0,1700000066.375,'full_scale','s000000000001',NULL);
INSERT INTO "searches" VALUES('s000000000006',NULL,'{"name": "which", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "calibration", "space": {"kind": "dense_cell", "branches": 3}, "architectures": 4, "proxies": {"short": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}}, "full_scale": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [400], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "seeds": 1, "training_free": ["parameters"], "reuse": false, "least_rho": 0.5}','completed',1,NULL,'{"torch": "2.13.0", "segnas": "0.1.0"}',NULL,NULL,NULL,NULL,1700000067.5,1700000106.875,1700000069.75,1700000106.875,'calibration',NULL,NULL);
INSERT INTO "searches" VALUES('s000000000007',NULL,'{"name": "trellis", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "auto_deeplab", "supernet": {"layers": 3, "filters": 8, "blocks": 1, "levels": 2, "stem": 64, "operators": ["skip", "sep_3x3"], "partial_channels": 1, "auxiliary_skip": false, "activation_checkpointing": false}, "bilevel": {"dataset": "scenes", "crop": [33, 33], "augment": {"scale": [0.5, 2.0], "flip": true}, "batch": 2, "epochs": 2, "architecture_from_epoch": 1, "second_order": false, "weights": {"learning_rate": 0.025, "final_rate": 0.001, "momentum": 0.9, "weight_decay": 0.0003, "clip": null}, "architecture": {"learning_rate": 0.003, "weight_decay": 0.001, "betas": [0.9, 0.999]}, "precision": "float32", "acceleration": "none", "train_images": null, "val_images": null, "class_weighting": 0.0}, "stop": {"max_skips": null, "hessian": null}, "decoding": {"paths": "beta"}, "seeds": 2, "scoring": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "score_every": 1}','running',1,NULL,'{"torch": "2.13.0", "segnas": "0.1.0"}',NULL,NULL,NULL,NULL,1700000108.0,1700000110.25,1700000110.25,NULL,'auto_deeplab',NULL,NULL);
INSERT INTO "searches" VALUES('s000000000008','key-of-waits','{"name": "waits", "resources": {"cpus": 1.0, "gpus": 0.0, "concurrent": 2, "reuse_workers": true}, "retries": 2, "seed": 0, "kind": "black_box", "space": {"kind": "dense_cell", "branches": 5}, "strategy": {"name": "random"}, "fidelity": {"dataset": "scenes", "backbone": {"name": "mobilenet_v2", "width": 1.0, "blocks": null, "output_stride": 16, "weights": null, "frozen": true, "warmup_iterations": 400, "warmup_crop": null}, "head": {"channels": 256, "dropout": 0.1, "rate_multiplier": null}, "crop": [513, 513], "augment": {"scale": [0.5, 2.0], "flip": true}, "views": 1, "train_images": null, "val_images": null, "rungs": [100, 200], "batch": 8, "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 4e-05}, "schedule": {"name": "per_rung", "power": 0.9, "warmup": 20}, "class_weighting": 0.0, "label_stride": 1, "precision": "float32"}, "trials": 2, "early_stopping": {"reduction": 3.0}}','queued',0,NULL,NULL,NULL,NULL,NULL,NULL,1700000119.25,1700000119.25,NULL,NULL,'black_box',NULL,NULL);
CREATE TABLE snapshots (
	search_id VARCHAR(32) NOT NULL, 
	run INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	payload JSON NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_snapshots PRIMARY KEY (search_id, run, epoch), 
	CONSTRAINT ck_snapshots_run CHECK (run >= 0), 
	CONSTRAINT ck_snapshots_epoch CHECK (epoch >= 0), 
	CONSTRAINT fk_snapshots_search_id FOREIGN KEY(search_id) REFERENCES searches (id)
);
INSERT INTO "snapshots" VALUES('s000000000007',0,1,'{"epoch": 1, "step": 10, "architecture": {"kind": "auto_deeplab", "blocks": [{"edges": [{"input": 1, "operator": "skip"}, {"input": 1, "operator": "sep_3x3"}]}], "path": [0, 1, 1]}, "path": [0, 1, 1], "alpha": [[0.25, 0.75], [0.5, 0.5]], "beta": [[0.5, 0.5], [1.0]], "alpha_entropy": 0.8125, "beta_entropy": 0.9, "supernet_miou": 0.25, "train_loss": 1.5, "architecture_loss": null, "hessian_eigenvalue": null, "device_seconds": 8.0, "finished": false, "stopped_by": null}',1700000111.375);
INSERT INTO "snapshots" VALUES('s000000000007',0,2,'{"epoch": 2, "step": 20, "architecture": {"kind": "auto_deeplab", "blocks": [{"edges": [{"input": 0, "operator": "avg_pool_3x3"}, {"input": 0, "operator": "atrous_3x3"}]}], "path": [0, 1, 1]}, "path": [0, 1, 1], "alpha": [[0.25, 0.75], [0.5, 0.5]], "beta": [[0.5, 0.5], [1.0]], "alpha_entropy": 0.8125, "beta_entropy": 0.9, "supernet_miou": 0.5, "train_loss": 1.5, "architecture_loss": 1.25, "hessian_eigenvalue": null, "device_seconds": 16.0, "finished": true, "stopped_by": "skips"}',1700000112.5);
INSERT INTO "snapshots" VALUES('s000000000007',1,1,'{"epoch": 1, "step": 10, "architecture": {"kind": "auto_deeplab", "blocks": [{"edges": [{"input": 0, "operator": "sep_3x3"}, {"input": 0, "operator": "atrous_3x3"}]}], "path": [1, 2, 3]}, "path": [1, 2, 3], "alpha": [[0.25, 0.75], [0.5, 0.5]], "beta": [[0.5, 0.5], [1.0]], "alpha_entropy": 0.8125, "beta_entropy": 0.9, "supernet_miou": 0.25, "train_loss": 1.5, "architecture_loss": null, "hessian_eigenvalue": 0.5, "device_seconds": 8.0, "finished": false, "stopped_by": null}',1700000113.625);
CREATE TABLE tokens (
	name VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	scopes JSON NOT NULL, 
	created_at DOUBLE NOT NULL, 
	revoked_at DOUBLE, 
	CONSTRAINT pk_tokens PRIMARY KEY (name), 
	CONSTRAINT uq_tokens_digest UNIQUE (digest)
);
INSERT INTO "tokens" VALUES('ci','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','["read"]',1700000120.375,NULL);
CREATE TABLE training_free (
	architecture_key VARCHAR(64) NOT NULL, 
	fidelity_key VARCHAR(64) NOT NULL, 
	seed BIGINT NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	value DOUBLE NOT NULL, 
	seconds DOUBLE NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_training_free PRIMARY KEY (architecture_key, fidelity_key, seed, name), 
	CONSTRAINT fk_training_free_architecture_key FOREIGN KEY(architecture_key) REFERENCES architectures ("key"), 
	CONSTRAINT fk_training_free_fidelity_key FOREIGN KEY(fidelity_key) REFERENCES fidelities ("key")
);
INSERT INTO "training_free" VALUES('6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,'synflow',12.5,0.25,1700000057.375);
INSERT INTO "training_free" VALUES('ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,'synflow',11.0,0.25,1700000058.5);
INSERT INTO "training_free" VALUES('ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,'parameters',1000.0,0.0,1700000102.375);
INSERT INTO "training_free" VALUES('4d0c2cb303687af1a920fca640023ef867095e17c1575909289e749659fb0bba','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,'parameters',1001.0,0.0,1700000103.5);
INSERT INTO "training_free" VALUES('fee5ad5fc034548246ed8bf1edda7c903ae3797efbbcbf5c4f3eb7094e66b5cc','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,'parameters',1002.0,0.0,1700000104.625);
INSERT INTO "training_free" VALUES('6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,'parameters',1003.0,0.0,1700000105.75);
CREATE TABLE trials (
	search_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	architecture_key VARCHAR(64) NOT NULL, 
	fidelity_key VARCHAR(64) NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	score DOUBLE, 
	iteration INTEGER, 
	seconds DOUBLE, 
	device_seconds DOUBLE, 
	reason TEXT, 
	created_at DOUBLE NOT NULL, 
	updated_at DOUBLE NOT NULL, 
	finished_at DOUBLE, parameters BIGINT, multiply_adds BIGINT, source VARCHAR(48), 
	CONSTRAINT pk_trials PRIMARY KEY (search_id, number), 
	CONSTRAINT ck_trials_number CHECK (number >= 0), 
	CONSTRAINT ck_trials_attempt CHECK (attempt >= 1), 
	CONSTRAINT ck_trials_status CHECK (status IN ('running', 'completed', 'pruned', 'failed', 'stopped')), 
	CONSTRAINT ck_trials_score CHECK (score >= 0 AND score <= 1), 
	CONSTRAINT ck_trials_measured CHECK ((score IS NULL) = (iteration IS NULL)), 
	CONSTRAINT ck_trials_scored CHECK (score IS NOT NULL OR NOT (status IN ('completed', 'pruned'))), 
	CONSTRAINT ck_trials_finished CHECK ((status = 'running') = (finished_at IS NULL)), 
	CONSTRAINT fk_trials_architecture_key FOREIGN KEY(architecture_key) REFERENCES architectures ("key"), 
	CONSTRAINT fk_trials_fidelity_key FOREIGN KEY(fidelity_key) REFERENCES fidelities ("key"), 
	CONSTRAINT fk_trials_search_id FOREIGN KEY(search_id) REFERENCES searches (id)
);
INSERT INTO "trials" VALUES('s000000000001',0,'ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',7,1,'completed',0.5,200,2.0,4.0,NULL,1700000005.625,1700000009.0,1700000009.0,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000001',1,'4d0c2cb303687af1a920fca640023ef867095e17c1575909289e749659fb0bba','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',7,1,'pruned',0.25,100,1.0,2.0,NULL,1700000010.125,1700000012.375,1700000012.375,1100,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000001',2,'fee5ad5fc034548246ed8bf1edda7c903ae3797efbbcbf5c4f3eb7094e66b5cc','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',7,1,'failed',0.9,100,1.0,2.0,'the loss is NaN at step 117',1700000013.5,1700000015.75,1700000015.75,1100,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000001',3,'6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',7,1,'completed',0.75,200,2.0,4.0,NULL,1700000016.875,1700000020.25,1700000020.25,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000001',4,'20447bf676b52931181cec2a7f9a4c3b7375b112a312c0a2320d9db5bb7e90b7','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',7,1,'stopped',0.95,100,1.0,2.0,'the search ended: stopped',1700000021.375,1700000025.875,1700000025.875,1100,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000001',5,'d510ecf98e3c4b1feceb0ccc8e181643a56d6cd48468d7c0fb4f8141c1fbe7dc','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',7,1,'stopped',NULL,NULL,NULL,NULL,'the search ended: stopped',1700000023.625,1700000025.875,1700000025.875,NULL,NULL,NULL);
INSERT INTO "trials" VALUES('s000000000002',0,'f0561fd4f947a455208eb96601701fb7dd3fe00be779235a607a92df72c377ff','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,2,'running',0.125,100,1.0,2.0,NULL,1700000030.375,1700000032.625,NULL,1100,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000003',0,'de53268a1cddd24070097ea4888dd2817d668343bd0e781813b2912dd3c3e096','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.5,200,2.0,4.0,NULL,1700000037.125,1700000040.5,1700000040.5,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000003',1,'be20c2169d0ffc232ea38deba6b7daf08b14ec5ca6c4ac3ee72b691e45330e13','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.625,200,2.0,4.0,NULL,1700000041.625,1700000045.0,1700000045.0,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000004',0,'6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.875,400,4.0,8.0,NULL,1700000050.625,1700000052.875,1700000052.875,1400,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000004',1,'ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.625,400,4.0,8.0,NULL,1700000054.0,1700000056.25,1700000056.25,1400,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000005',0,'6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.875,400,4.0,8.0,NULL,1700000064.125,1700000064.125,1700000064.125,1400,1099511627776,'s000000000004/0');
INSERT INTO "trials" VALUES('s000000000005',1,'ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.625,400,4.0,8.0,NULL,1700000065.25,1700000065.25,1700000065.25,1400,1099511627776,'s000000000004/1');
INSERT INTO "trials" VALUES('s000000000006',0,'ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.25,200,2.0,4.0,NULL,1700000070.875,1700000074.25,1700000074.25,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',1,'4d0c2cb303687af1a920fca640023ef867095e17c1575909289e749659fb0bba','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.375,200,2.0,4.0,NULL,1700000075.375,1700000078.75,1700000078.75,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',2,'fee5ad5fc034548246ed8bf1edda7c903ae3797efbbcbf5c4f3eb7094e66b5cc','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.5,200,2.0,4.0,NULL,1700000079.875,1700000083.25,1700000083.25,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',3,'6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.625,200,2.0,4.0,NULL,1700000084.375,1700000087.75,1700000087.75,1200,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',4,'ecae33969eb92f47c04e35a527dcc502cad500c0c5aca856eecb97f38deb0854','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.25,400,4.0,8.0,NULL,1700000088.875,1700000091.125,1700000091.125,1400,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',5,'4d0c2cb303687af1a920fca640023ef867095e17c1575909289e749659fb0bba','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.375,400,4.0,8.0,NULL,1700000092.25,1700000094.5,1700000094.5,1400,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',6,'fee5ad5fc034548246ed8bf1edda7c903ae3797efbbcbf5c4f3eb7094e66b5cc','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.5,400,4.0,8.0,NULL,1700000095.625,1700000097.875,1700000097.875,1400,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000006',7,'6aca1d87858edb7a8b7cd378429041a869b04f986d538f1d2d4695266b705dc1','758a877eb7d1eddd17b4523207403caa3ccb1e494a8d6b2226de43e7c70b5837',0,1,'completed',0.625,400,4.0,8.0,NULL,1700000099.0,1700000101.25,1700000101.25,1400,1099511627776,NULL);
INSERT INTO "trials" VALUES('s000000000007',1,'bde5b7f6e49e23e02712d3e1b68191ea514a850be10710b1690a06e9969b38cf','e13a043497d1c927aaecd5f4919aabe39fd8735ed73be42220712a80e6581b1e',0,1,'completed',0.6875,200,2.0,4.0,NULL,1700000114.75,1700000118.125,1700000118.125,1200,1099511627776,NULL);
CREATE INDEX ix_trials_search_id_score_number ON trials (search_id, score, number);
CREATE INDEX ix_trials_search_id_iteration_score_number ON trials (search_id, iteration, score, number);
CREATE INDEX ix_trials_search_id_status_number ON trials (search_id, status, number);
CREATE INDEX ix_trials_search_id_updated_at ON trials (search_id, updated_at);
CREATE INDEX ix_trials_architecture_key_fidelity_key_seed ON trials (architecture_key, fidelity_key, seed);
CREATE INDEX ix_searches_status_created_at_id ON searches (status, created_at, id);
CREATE INDEX ix_searches_created_at_id ON searches (created_at, id);
CREATE INDEX ix_searches_parent_id ON searches (parent_id);
COMMIT;
